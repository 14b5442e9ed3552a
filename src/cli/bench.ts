import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { resolveConfig, type ModelConfigInput } from '../core/config.js';
import { formatShape, sizeOf } from '../core/tensor.js';
import { planNetwork } from '../core/network.js';
import { uniform } from '../core/philox.js';
import { loadModel } from '../model/loadModel.js';
import { Model } from '../model/model.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { threadCount, type Threads } from '../wasm/team.js';
import { integer, integers } from './arguments.js';
import { backendOf, backendOption, buildOption, threads } from './backends.js';
import { drawnWeights } from './drawnWeights.js';
import { givenNetwork, type NetworkOptions } from './givenNetwork.js';
import { median } from './median.js';
import { print, printJson, table } from './print.js';
import { CONFIG_HELP } from './weights.js';

interface BenchOptions extends NetworkOptions {
  readonly backend: string;
  readonly build: BuildChoice;
  readonly threads: readonly Threads[];
  readonly batch: readonly number[];
  readonly runs: number;
  readonly json?: true;
}

/** Until V8 has optimized the kernels. */
const WARM_UP_MS = 1000;

/** One way to run the network. */
interface Candidate {
  readonly model: Model;
  readonly batch: number;
  readonly ms: number[];
}

/** What was measured, as --json prints it. */
export interface BenchReport {
  readonly network: string;
  readonly input: readonly number[];
  readonly macs: number;
  readonly backend: string;
  /** Of WebAssembly, or the engine of TensorFlow.js. */
  readonly build: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string; readonly load: number };
  /** Since the process began, on the first count of threads. */
  readonly firstLogitsMs: number;
  /** Of the process at that time. */
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

/** The network on so many threads: of a file, or of its size alone, with random weights. */
async function open(given: ModelConfigInput, count: number, options: BenchOptions): Promise<Model> {
  const { weights, config } = options;
  const backend = await backendOf({ ...options, threads: count });
  if (weights !== undefined) return loadModel(weights, { backend, ...(config === undefined ? {} : { config: given }) });
  const resolved = resolveConfig({ ...given, form: 'deploy' });
  return Model.load(drawnWeights(resolved), resolved, backend);
}

/** Kilobytes that were ever resident; Linux' own count, because Node's may be that of the process which started it. */
async function peakRss(): Promise<number> {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? NaN);
}

/** Times all candidates in turn, so that a machine that slows down slows all alike. */
async function time(candidates: readonly Candidate[], x: Float32Array, runs: number): Promise<void> {
  const size = x.length / Math.max(...candidates.map(({ batch }) => batch));
  const run = async ({ model, batch }: Candidate): Promise<number> => {
    const begin = performance.now();
    await model.forward(x.subarray(0, batch * size), batch);
    return performance.now() - begin;
  };
  for (const candidate of candidates) {
    for (let warm = 0; warm < WARM_UP_MS;) warm += await run(candidate);
  }
  for (let i = 0; i < runs; i++) {
    for (const candidate of candidates) candidate.ms.push(await run(candidate));
  }
}

async function measure(variant: string | undefined, options: BenchOptions): Promise<BenchReport> {
  const given = await givenNetwork('bench', variant, options);
  // Only WebAssembly's threads are ours to count.
  const counts = options.backend === wasmBackend.name ? options.threads.map(threadCount) : [1];
  const [count, ...others] = new Set(counts);
  const model = await open(given, count, options);
  const { config, info } = model;
  const size = sizeOf([config.in_chans, ...config.input_size]);
  const few = Float32Array.from({ length: 4099 }, (_, i) => 4 * uniform(2, 0, i) - 2);
  const x = Float32Array.from({ length: Math.max(...options.batch) * size }, (_, i) => few[i % few.length]);
  await model.forward(x.subarray(0, size));
  // The clock began with the process.
  const firstLogitsMs = performance.now();
  const peakRssMiB = (await peakRss()) / 1024;

  const models = [model];
  for (const other of others) models.push(await open(given, other, options));
  const batches = [...new Set(options.batch)];
  const candidates = models.flatMap((each) => batches.map((batch): Candidate => ({ model: each, batch, ms: [] })));
  await time(candidates, x, options.runs);
  for (const each of models) each.dispose();

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
    rows: candidates.map(({ model: { info: how }, batch, ms }) => {
      const medianMs = median(ms);
      return {
        threads: Number('threads' in how ? how['threads'] : 1),
        batch,
        minMs: Math.min(...ms),
        medianMs,
        imagesPerSecond: (1000 * batch) / medianMs,
        gmacPerSecond: (macs * batch) / medianMs / 1e6,
      };
    }),
  };
}

function format({
  network,
  input,
  macs,
  backend,
  build,
  machine,
  firstLogitsMs,
  peakRssMiB,
  rows,
}: BenchReport): string {
  const rounded = (value: number): number => Number(value.toPrecision(4));
  return [
    `${network}, ${formatShape(input)}, ${(macs / 1e9).toPrecision(3)} GMAC, ${backend === wasmBackend.name ? `${build} build` : backend}`,
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load.toFixed(1)}`,
    `first logits ${firstLogitsMs.toFixed(0)} ms after the process began, peak memory ${peakRssMiB.toFixed(0)} MiB`,
    '',
    table([
      ['threads', 'batch', 'median ms', 'min ms', 'images/s', 'GMAC/s'],
      ...rows.map((row) => [
        row.threads,
        row.batch,
        ...[row.medianMs, row.minMs, row.imagesPerSecond, row.gmacPerSecond].map(rounded),
      ]),
    ]),
  ].join('\n');
}

async function bench(variant: string | undefined, options: BenchOptions): Promise<void> {
  const report = await measure(variant, options);
  if (options.json) printJson(report);
  else print(format(report));
}

export const benchCommand = (): Command =>
  new Command('bench')
    .description('Time a network on this machine: in WebAssembly, or by another backend.')
    .argument('[variant]', 'for example vanillanet_5, with random weights')
    .option('-w, --weights <file>', 'weights (.safetensors) of the fused form')
    .option('-c, --config <file>', CONFIG_HELP)
    .addOption(backendOption())
    .addOption(buildOption())
    .option('--threads <list>', "counts of threads, or 'auto'", (text) => text.split(',').map(threads), [1, 'auto'])
    .option('--batch <list>', 'images a call', integers(1), [1])
    .option('-r, --runs <n>', 'timed runs of each, in turn', integer(1), 10)
    .option('--json', 'print JSON')
    .action(bench);
