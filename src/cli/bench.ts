import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
import { formatShape, sizeOf } from '../core/tensor.js';
import { planNetwork } from '../core/network.js';
import { uniform } from '../core/philox.js';
import { Model } from '../model/model.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { threadCount, type Threads } from '../wasm/team.js';
import { integer, integers, variantName } from './arguments.js';
import { openBackend, backendOption, buildOption, noteThreads, threadsArgument } from './backends.js';
import { randomWeights } from './randomWeights.js';
import { networkConfig, type NetworkOptions } from './networkConfig.js';
import { median } from './median.js';
import { outputColumns, printBlock, printJson, printText, table } from './print.js';
import { CONFIG_HELP, networkSource, type NetworkSource } from './weights.js';

interface BenchOptions extends NetworkOptions {
  readonly backend: string;
  readonly build: BuildChoice;
  readonly threads: readonly Threads[];
  readonly batch: readonly number[];
  readonly runs: number;
  readonly json?: true;
}

/** The time that V8 needs to optimize the kernels. */
const WARM_UP_MS = 1000;

/** A number of threads and a batch size. */
interface Candidate {
  readonly model: Model;
  readonly threads: number;
  readonly batch: number;
  readonly ms: number[];
}

/** The measurements, as --json prints them. */
export interface BenchReport {
  readonly network: string;
  readonly input: readonly number[];
  readonly macs: number;
  readonly backend: string;
  /** The build of WebAssembly, or the engine of TensorFlow.js. */
  readonly build: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string; readonly load: number };
  /** Milliseconds from the start of the process to the first logits, with the first number of threads. */
  readonly firstLogitsMs: number;
  /** The peak memory of the process at that time. */
  readonly peakRssMiB: number;
  readonly rows: readonly {
    readonly threads: number;
    readonly batch: number;
    readonly minMs: number;
    readonly medianMs: number;
    readonly imagesPerSecond: number;
    readonly gmacPerSecond: number;
  }[];
}

/** The network of a weight file, or of random weights. */
async function findNetwork(network: ModelConfigInput, { weights, config }: BenchOptions): Promise<NetworkSource> {
  if (weights !== undefined) return networkSource(weights, config === undefined ? {} : { config: network });
  const resolved = resolveConfig({ ...network, form: 'deploy' });
  return { open: (backend) => Model.load(randomWeights(resolved), resolved, backend) };
}

/** The peak resident memory in kilobytes. On Linux from /proc, because Node's number may include the parent process. */
async function peakRss(): Promise<number> {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? NaN);
}

/** Times the candidates in turn, so that a machine that slows down affects all of them. */
async function time(candidates: readonly Candidate[], x: Float32Array, runs: number): Promise<void> {
  const size = x.length / Math.max(...candidates.map(({ batch }) => batch));
  const run = async ({ model, batch }: Candidate): Promise<number> => {
    const begin = performance.now();
    await model.forward(x.subarray(0, batch * size), batch);
    return performance.now() - begin;
  };
  const warm = new Set<Model>();
  for (const candidate of candidates) {
    // All batch sizes run the same kernels; the first run of each allocates its memory.
    const least = warm.has(candidate.model) ? 0 : WARM_UP_MS;
    let ms = await run(candidate);
    while (ms < least) ms += await run(candidate);
    warm.add(candidate.model);
  }
  for (let i = 0; i < runs; i++) {
    for (const candidate of candidates) candidate.ms.push(await run(candidate));
  }
}

/** A batch of random images. The values repeat with a period of 4099, a prime. */
function noise({ in_chans, input_size }: ModelConfig, batch: number): Float32Array {
  const values = Float32Array.from({ length: 4099 }, (_, i) => 4 * uniform(2, 0, i) - 2);
  const length = batch * sizeOf([in_chans, ...input_size]);
  return Float32Array.from({ length }, (_, i) => values[i % values.length]);
}

const runningThreads = ({ info }: Pick<Model, 'info'>): number => Number('threads' in info ? info['threads'] : 1);

/** Says that a thread was lost, so that the times are those of fewer threads. */
export function noteLostThreads(
  candidates: readonly { readonly model: Pick<Model, 'info'>; readonly threads: number }[],
): void {
  const counts = new Map(candidates.map(({ model, threads }) => [threads, runningThreads(model)]));
  for (const [threads, running] of counts) {
    if (running < threads)
      printText(process.stderr, `${threads} threads: ${threads - running} lost, times are of fewer`);
  }
}

function rowOf({ threads, batch, ms }: Candidate, macs: number): BenchReport['rows'][number] {
  const medianMs = median(ms);
  return {
    threads,
    batch,
    minMs: Math.min(...ms),
    medianMs,
    imagesPerSecond: (1000 * batch) / medianMs,
    gmacPerSecond: (macs * batch) / medianMs / 1e6,
  };
}

async function measure(variant: string | undefined, options: BenchOptions): Promise<BenchReport> {
  const network = await networkConfig('bench', variant, options);
  // Other backends choose their threads.
  const isWasm = options.backend === wasmBackend.name;
  if (isWasm) options.threads.forEach(noteThreads);
  const counts = isWasm ? options.threads.map(threadCount) : [1];
  const [count, ...others] = new Set(counts);
  const source = await findNetwork(network, options);
  const open = async (threads: number): Promise<Model> => source.open(await openBackend({ ...options, threads }));
  const model = await open(count);
  const { config, info } = model;
  const x = noise(config, Math.max(...options.batch));
  await model.forward(x.subarray(0, x.length / Math.max(...options.batch)));
  // performance.now() counts from the start of the process.
  const firstLogitsMs = performance.now();
  const peakRssMiB = (await peakRss()) / 1024;

  const models = [{ model, threads: count }];
  for (const threads of others) models.push({ model: await open(threads), threads });
  const batches = [...new Set(options.batch)];
  const candidates = models.flatMap((each) => batches.map((batch): Candidate => ({ ...each, batch, ms: [] })));
  await time(candidates, x, options.runs);
  noteLostThreads(candidates);
  for (const each of models) each.model.dispose();

  const layers = planNetwork({ ...config, form: 'deploy' }, config.input_size);
  const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
  return {
    network: config.variant ?? `dims ${config.dims.join(',')}`,
    input: [config.in_chans, ...config.input_size],
    macs,
    backend: model.backend,
    build: String([info['build'], info['engine'], info['dtype']].find(Boolean)),
    machine: { cpu: cpus()[0].model, cores: cpus().length, node: process.versions.node, load: loadavg()[0] },
    firstLogitsMs,
    peakRssMiB,
    rows: candidates.map((candidate) => rowOf(candidate, macs)),
  };
}

function format(
  { network, input, macs, backend, build, machine, firstLogitsMs, peakRssMiB, rows }: BenchReport,
  columns: number,
): string {
  const rounded = (value: number): number => Number(value.toPrecision(4));
  return [
    `${network}, ${formatShape(input)}, ${(macs / 1e9).toPrecision(3)} GMAC, ${backend === wasmBackend.name ? `${build} build` : backend}`,
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load.toFixed(1)}`,
    `first logits ${firstLogitsMs.toFixed(0)} ms after the start of the process, peak memory ${peakRssMiB.toFixed(0)} MiB`,
    '',
    table(
      [
        ['threads', 'batch', 'median ms', 'min ms', 'images/s', 'GMAC/s'],
        ...rows.map((row) => [
          row.threads,
          row.batch,
          ...[row.medianMs, row.minMs, row.imagesPerSecond, row.gmacPerSecond].map(rounded),
        ]),
      ],
      columns,
    ),
  ].join('\n');
}

async function bench(variant: string | undefined, options: BenchOptions): Promise<void> {
  const report = await measure(variant, options);
  if (options.json) printJson(report);
  else printBlock(format(report, outputColumns()));
}

export const benchCommand = (): Command =>
  new Command('bench')
    .description('Measure the speed of a network on this machine.')
    .argument('[variant]', 'such as vanillanet_5, with random weights', variantName)
    .option('-w, --weights <file>', 'weights (.safetensors) of the fused form')
    .option('-c, --config <file>', CONFIG_HELP)
    .addOption(backendOption())
    .addOption(buildOption())
    .option('--threads <list>', "numbers of threads, or 'auto'", (text) => text.split(',').map(threadsArgument), [
      1,
      'auto',
    ])
    .option('--batch <list>', 'images a call', integers(1), [1])
    .option('-r, --runs <n>', 'timed runs of each combination', integer(1), 10)
    .option('--json', 'print JSON')
    .action(bench);
