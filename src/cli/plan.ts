import { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { resolveConfig } from '../core/config.js';
import type { Size } from '../core/shapes.js';
import { streamOf, type WeightStream } from '../core/weights.js';
import { Model } from '../model/model.js';
import { fit, shardsOf } from '../deploy/fit.js';
import { mergeTargets } from '../deploy/target.js';
import { TARGETS } from '../deploy/targets.js';
import { createWasmBackend } from '../wasm/inference/backend.js';
import { memoryPlan, STORED_DTYPES, type StoredDtype } from '../wasm/inference/memoryPlan.js';
import { integer, number, size, variantName } from './arguments.js';
import { dtypeOption } from './dtype.js';
import { cpuTime } from './cpuTime.js';
import { randomWeights } from './randomWeights.js';
import { networkConfig, type NetworkOptions } from './networkConfig.js';
import { readJsonObject } from './jsonFile.js';
import { format, type CpuSource, type PlanReport } from './planReport.js';
import { outputColumns, printBlock, printJson } from './print.js';
import { CONFIG_HELP, readNetworkWeights } from './weights.js';

interface PlanOptions extends NetworkOptions {
  readonly size?: Size;
  readonly batch: number;
  readonly allowance: number;
  readonly dtype?: StoredDtype;
  readonly cpuMs?: number;
  readonly cpuFactor: number;
  readonly platforms?: string;
  readonly json?: true;
}

const PAGE = 2 ** 16;
const MIB = 2 ** 20;

/** Memory besides WebAssembly's: in workerd, loading 62 MB of weights grew the process by 67 MB. */
const JAVASCRIPT = 5 * MIB;

/** A network in the deploy form, with its weights if the file has that form. */
async function networkOf(variant: string | undefined, options: PlanOptions) {
  const { weights, size: input_size } = options;
  const named = await networkConfig('plan', variant, options);
  const opened = weights === undefined ? null : await readNetworkWeights(weights, options);
  const described = opened?.config ?? named;
  const config = resolveConfig({ ...described, form: 'deploy', ...(input_size === undefined ? {} : { input_size }) });
  // Weights of the train form are planned as they will be after fusion.
  const fused = opened?.config.form === 'deploy' ? opened.state : null;
  return { config, state: fused === null ? null : streamOf(fused) };
}

type Network = Awaited<ReturnType<typeof networkOf>>;

/** Measures the CPU time of an image on one thread, which is what the platforms have. */
async function measure({ config, state }: Network): Promise<Pick<CpuSource, 'ms' | 'measured'>> {
  const weights: WeightStream = state ?? randomWeights(config);
  const model = await Model.load(weights, config, createWasmBackend({ threads: 1 }));
  const ms = await cpuTime(model);
  const build = String(model.info['build']);
  model.dispose();
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.versions.node, load: loadavg()[0] };
  return { ms, measured: { ...machine, build } };
}

async function report(variant: string | undefined, options: PlanOptions): Promise<PlanReport> {
  const { batch, dtype, cpuMs, cpuFactor: factor, weights, platforms: file } = options;
  // First, because measuring takes a while, and this may fail.
  const platforms = file === undefined ? TARGETS : mergeTargets(TARGETS, await readJsonObject(file), file);
  const network = await networkOf(variant, options);
  const { config, state } = network;
  const { file: stored, macs, ...use } = memoryPlan(config, { batch, dtype: dtype ?? 'float32' });
  const isUnchanged = weights !== undefined && state !== null && dtype === undefined;
  const bytes = isUnchanged ? (await stat(weights)).size : stored;
  const cpu = { ...(cpuMs === undefined ? await measure(network) : { ms: cpuMs, measured: null }), factor };
  const allowance = options.allowance * MIB;
  const needed = PAGE * Math.ceil(use.total / PAGE) + use.batch + JAVASCRIPT + allowance;
  const need = { memory_bytes: needed, file_bytes: bytes, cpu_ms: cpu.ms * factor, batch };
  return {
    network: config.variant ?? `dims ${config.dims.join(',')}`,
    input: [config.in_chans, ...config.input_size],
    batch,
    macs,
    bytes: { ...use, javascript: JAVASCRIPT, allowance, needed },
    file: { dtype: isUnchanged ? 'as stored' : (dtype ?? 'float32'), bytes, shards: shardsOf(bytes) },
    cpu,
    platforms: platforms.map((target) => fit(target, need)),
  };
}

async function plan(variant: string | undefined, options: PlanOptions): Promise<void> {
  const result = await report(variant, options);
  if (options.json) printJson(result);
  else printBlock(format(result, outputColumns()));
}

export const planCommand = (): Command =>
  new Command('plan')
    .description('Estimate memory, CPU time and cost of a network on serverless platforms.')
    .argument('[variant]', 'such as vanillanet_5, with random weights', variantName)
    .option('-w, --weights <file>', 'weights (.safetensors)')
    .option('-c, --config <file>', CONFIG_HELP)
    .option('-s, --size <size>', 'input size, such as 224 or 224x160', size)
    .option('--batch <n>', 'images a request', integer(1), 1)
    .option('--allowance <mib>', 'memory of the server in MiB: bodies, decoder, pixels', number(0), 0)
    .addOption(dtypeOption('--dtype <type>', 'stored type (default: that of --weights)', STORED_DTYPES))
    .option('--cpu-ms <ms>', 'CPU time of an image (default: measured)', number(0))
    .option('--cpu-factor <x>', "a platform's CPU time as a multiple of this machine's", number(0), 1)
    .option('--platforms <file>', 'JSON file with rows that replace or add platforms')
    .option('--json', 'print JSON')
    .action(plan);
