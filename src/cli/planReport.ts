import { formatShape } from '../core/tensor.js';
import { SHARD_BYTES, type Fit } from '../deploy/fit.js';
import type { MemoryPlan } from '../wasm/inference/memoryPlan.js';
import { percent, table } from './print.js';

/** Where a time on the processor comes from. */
export interface CpuSource {
  /** Of one image, before `factor`. */
  readonly ms: number;
  readonly factor: number;
  /** What it was measured with; null where it was given. */
  readonly measured: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly load: number;
    readonly build: string;
  } | null;
}

/** What `plan` tells, as --json prints it. */
export interface PlanReport {
  readonly network: string;
  readonly input: readonly number[];
  /** Images a request. */
  readonly batch: number;
  readonly macs: number;
  readonly bytes: Pick<MemoryPlan, 'weights' | 'activations' | 'scratch' | 'total' | 'batch'> & {
    /** Of JavaScript, and of the buffer that weights come through. */
    readonly javascript: number;
    /** For what is not the network, as given. */
    readonly allowance: number;
    /** All of it, the linear memory in whole pages. */
    readonly needed: number;
  };
  readonly file: { readonly dtype: string; readonly bytes: number; readonly shards: number };
  readonly cpu: CpuSource;
  readonly platforms: readonly Fit[];
}

const UNITS: readonly [number, string][] = [
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [1e6, 'MB'],
];

/** Whole ones of the largest unit that has them. */
function bytes(value: number): string {
  const whole = UNITS.find(([size]) => value % size === 0);
  if (whole !== undefined) return `${(value / whole[0]).toLocaleString('en-US')} ${whole[1]}`;
  return `${Number((value / 1e6).toPrecision(3))} MB`;
}

function time(ms: number): string {
  const [unit, name] = ms >= 60_000 ? [60_000, 'min'] : ms >= 1000 ? [1000, 's'] : [1, 'ms'];
  return `${Number((ms / unit).toPrecision(3))} ${name}`;
}

const verdict = (fits: boolean, limit: string): string => `${fits ? 'yes' : 'no'}: ${limit}`;

const NO_LIMIT = 'none told';
const NO_PRICE = 'no list price known';

function weights({ weights_bytes: { fits, limit, files } }: Fit): string {
  if (limit === null) return NO_LIMIT;
  return verdict(fits, files === 1 ? bytes(limit) : `${files} shards`);
}

function dollars({ fits, usd, platform }: Fit): string {
  if (!platform.webassembly) return 'no WebAssembly';
  if (usd === null) return NO_PRICE;
  return fits ? usd.further_million.toFixed(2) : '-';
}

const row = (fit: Fit): string[] => [
  fit.platform.name,
  verdict(fit.memory_bytes.fits, bytes(fit.platform.memory_bytes)),
  weights(fit),
  fit.cpu_ms.limit === null ? NO_LIMIT : verdict(fit.cpu_ms.fits, time(fit.cpu_ms.limit)),
  dollars(fit),
];

/** What a row of the table cannot say. */
function notes({ platform, memory_bytes: { chosen }, cpu_ms, fits, usd }: Fit): string {
  const said: string[] = [];
  if (platform.note !== null) said.push(platform.note);
  if (fits && usd !== null && usd.first_million !== usd.further_million) {
    said.push(`a month with this million alone costs ${usd.first_million.toFixed(2)}, with what the plan includes`);
  }
  const { whole_cpu_bytes: whole } = platform;
  if (chosen !== null && whole !== null && chosen < whole) {
    said.push(
      `at ${bytes(chosen)}, which have ${percent(chosen / whole)} of a processor, a request takes ` +
        `${time(cpu_ms.needed)}; at ${bytes(whole)}, ${time((cpu_ms.needed * chosen) / whole)} for about the same`,
    );
  }
  return said.join('; ');
}

const WIDTH = 80;

/** Lines that a narrow terminal can show, all but the first a little to the right. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = ' ';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Platforms of which the same is to be said share a note. */
function noteLines(fits: readonly Fit[]): string[] {
  const named = new Map<string, string[]>();
  for (const each of fits) {
    const note = notes(each);
    if (note !== '') named.set(note, [...(named.get(note) ?? []), each.platform.name]);
  }
  return [...named].flatMap(([note, names]) => wrapped(`${names.join(', ')}: ${note}`));
}

/** The network's memory is not a server's. */
const memoryLines = ({ allowance }: PlanReport['bytes']): string[] =>
  allowance > 0
    ? []
    : wrapped(
        `Memory is the network's alone: bodies, a decoder and its pixels come on top, up to 92 MiB in ` +
          `examples/cloudflare-worker at its limits. --allowance counts them in.`,
      );

function cpuLines({ ms, factor, measured }: CpuSource): string[] {
  const counted = factor === 1 ? '' : `, counted ${factor} times`;
  if (measured === null) return [`CPU time: ${time(ms)} an image, as given${counted}`];
  const { cpu, cores, node, load, build } = measured;
  return wrapped(
    `CPU time: ${time(ms)} an image, measured here${counted}: one thread, ${build} build, warm, on ` +
      `${cpu.trim()}, ${cores} cores, Node ${node}, load ${load.toFixed(1)}. A platform's processor may be slower: ` +
      `--cpu-factor says how much. Decoding and scaling an image come on top, and so does a first run, which is slower.`,
  );
}

function footLines(fits: readonly Fit[]): string[] {
  const dates = [...new Set(fits.map(({ platform }) => platform.date))].sort();
  const elsewhere = fits.some((each) => !each.weights_bytes.fits);
  return wrapped(
    `USD a million: list price of a further million images, beyond what a plan includes, without traffic and storage. ` +
      `Limits and prices as of ${dates.join(', ')}; --json names the sources, --platforms puts others in their place.` +
      (elsewhere ? ' Weights that do not fit can be fetched from elsewhere.' : ''),
  );
}

export function format(report: PlanReport): string {
  const { network, input, batch, macs, bytes: memory, file, cpu, platforms } = report;
  const shards = file.shards === 1 ? '1 shard' : `${file.shards} shards`;
  return [
    `${network}, deploy form, ${formatShape(input)}, ${batch === 1 ? 'one image' : `${batch} images`} a request`,
    '',
    table([
      ['memory', 'bytes'],
      ['weights', memory.weights],
      ['activations', memory.activations],
      ['scratch, one thread', memory.scratch],
      ['all of WebAssembly', memory.total],
      ['images and logits', memory.batch],
      ['JavaScript, about', memory.javascript],
      ['allowance, as given', memory.allowance],
      ['needed', memory.needed],
    ]),
    '',
    ...memoryLines(memory),
    `${macs.toLocaleString('en-US')} multiply-adds an image`,
    `weight file ${file.dtype}: ${file.bytes.toLocaleString('en-US')} bytes, ${shards} of at most ${bytes(SHARD_BYTES)}`,
    ...cpuLines(cpu),
    '',
    table([['does it fit', 'memory', 'weights', 'CPU time', 'USD a million'], ...platforms.map(row)]),
    '',
    ...noteLines(platforms),
    ...footLines(platforms),
  ].join('\n');
}
