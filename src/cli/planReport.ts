import { formatShape } from '../core/tensor.js';
import { SHARD_BYTES, type Fit } from '../deploy/fit.js';
import type { MemoryPlan } from '../wasm/inference/memoryPlan.js';
import { formatPercent } from '../report/percent.js';
import { table } from './print.js';

/** The CPU time of an image, and where it is from. */
export interface CpuSource {
  /** Milliseconds of one image, before `factor`. */
  readonly ms: number;
  readonly factor: number;
  /** The machine and build of the measurement; null for --cpu-ms. */
  readonly measured: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly load: number;
    readonly build: string;
  } | null;
}

/** The result of `plan`, as --json prints it. */
export interface PlanReport {
  readonly network: string;
  readonly input: readonly number[];
  /** Images a request. */
  readonly batch: number;
  readonly macs: number;
  readonly bytes: Pick<MemoryPlan, 'weights' | 'activations' | 'scratch' | 'total' | 'batch'> & {
    /** JavaScript, and the buffer through which weights are streamed. */
    readonly javascript: number;
    /** --allowance. */
    readonly allowance: number;
    /** The sum, with WebAssembly's memory rounded up to pages. */
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

/** Bytes in the largest unit that divides them; else in MB with three digits. */
function bytes(value: number): string {
  const unit = UNITS.find(([size]) => value % size === 0);
  if (unit !== undefined) return `${(value / unit[0]).toLocaleString('en-US')} ${unit[1]}`;
  return `${Number((value / 1e6).toPrecision(3))} MB`;
}

function time(ms: number): string {
  const [unit, name] = ms >= 60_000 ? [60_000, 'min'] : ms >= 1000 ? [1000, 's'] : [1, 'ms'];
  return `${Number((ms / unit).toPrecision(3))} ${name}`;
}

const verdict = (fits: boolean, limit: string): string => `${fits ? 'yes' : 'no'}: ${limit}`;

const NO_LIMIT = 'no stated limit';
const NO_PRICE = 'no list price';

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

/** Notes that do not fit into a row of the table. */
function notes({ platform, memory_bytes: { chosen }, cpu_ms, fits, usd }: Fit): string {
  const parts: string[] = [];
  if (platform.note !== null) parts.push(platform.note);
  if (fits && usd !== null && usd.first_million !== usd.further_million) {
    parts.push(`a month with one million images costs ${usd.first_million.toFixed(2)}, plan included`);
  }
  const { whole_cpu_bytes: whole } = platform;
  if (chosen !== null && whole !== null && chosen < whole) {
    parts.push(
      `${bytes(chosen)} have ${formatPercent(chosen / whole)} of a processor, so that a request takes ` +
        `${time(cpu_ms.needed)}; with ${bytes(whole)} it takes ${time((cpu_ms.needed * chosen) / whole)} for about the same price`,
    );
  }
  return parts.join('; ');
}

/** Notes with the names of the platforms that they are about. */
function noteLines(fits: readonly Fit[]): string[] {
  const platformsByNote = new Map<string, string[]>();
  for (const each of fits) {
    const note = notes(each);
    if (note !== '') platformsByNote.set(note, [...(platformsByNote.get(note) ?? []), each.platform.name]);
  }
  return [...platformsByNote].map(([note, names]) => `${names.join(', ')}: ${note}`);
}

/** Without --allowance, the memory is that of the network alone. */
const memoryLines = ({ allowance }: PlanReport['bytes']): string[] =>
  allowance > 0
    ? []
    : [
        `The memory is that of the network alone. Request bodies, a decoder and its pixels are not included: up to ` +
          `92 MiB in examples/cloudflare-worker. Add them with --allowance.`,
      ];

function cpuLine({ ms, factor, measured }: CpuSource): string {
  const multiple = factor === 1 ? '' : `, times ${factor}`;
  if (measured === null) return `CPU time: ${time(ms)} an image, from --cpu-ms${multiple}`;
  const { cpu, cores, node, load, build } = measured;
  return (
    `CPU time: ${time(ms)} an image, measured here${multiple}: one thread, ${build} build, warm, on ` +
    `${cpu.trim()}, ${cores} cores, Node ${node}, load ${load.toFixed(1)}. A platform's processor may be slower: ` +
    `set --cpu-factor. Decoding and scaling of images and the slower first run are not included.`
  );
}

function footLine(fits: readonly Fit[]): string {
  const dates = [...new Set(fits.map(({ platform }) => platform.date))].sort();
  const hasLargeWeights = fits.some((each) => !each.weights_bytes.fits);
  return (
    `USD a million: list price of one more million images beyond those included in the plan, without traffic and ` +
    `storage. Limits and prices as of ${dates.join(', ')}: --json has the sources, --platforms replaces them.` +
    (hasLargeWeights ? ' Weights that do not fit can be fetched from another server.' : '')
  );
}

/** The report as lines. @param columns the width of the terminal, for the tables */
export function format(report: PlanReport, columns = Infinity): string {
  const { network, input, batch, macs, bytes: memory, file, cpu, platforms } = report;
  const shards = file.shards === 1 ? '1 shard' : `${file.shards} shards`;
  return [
    `${network}, deploy form, ${formatShape(input)}, ${batch === 1 ? 'one image' : `${batch} images`} a request`,
    '',
    table(
      [
        ['memory', 'bytes'],
        ['weights', memory.weights],
        ['activations', memory.activations],
        ['scratch, one thread', memory.scratch],
        ['WebAssembly in total', memory.total],
        ['images and logits', memory.batch],
        ['JavaScript (estimate)', memory.javascript],
        ['allowance', memory.allowance],
        ['needed', memory.needed],
      ],
      columns,
    ),
    '',
    ...memoryLines(memory),
    `${macs.toLocaleString('en-US')} multiply-adds an image`,
    `weight file ${file.dtype}: ${file.bytes.toLocaleString('en-US')} bytes, ${shards} of at most ${bytes(SHARD_BYTES)}`,
    cpuLine(cpu),
    '',
    table([['platform', 'memory', 'weights', 'CPU time', 'USD a million'], ...platforms.map(row)], columns),
    '',
    ...noteLines(platforms),
    footLine(platforms),
  ].join('\n');
}
