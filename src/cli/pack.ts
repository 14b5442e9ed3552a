import { Command, Option } from 'commander';
import { basename, dirname, join } from 'node:path';
import type { Backend } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { ParamError, WeightsError } from '../core/errors.js';
import type { StateDict } from '../core/tensor.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { writeConfig } from '../io/configMetadata.js';
import { cutShards } from '../io/cutShards.js';
import { encodeSafetensors, WEIGHTS_DTYPES, type WeightsDtype } from '../io/safetensors.js';
import { loadModel } from '../model/loadModel.js';
import { Model } from '../model/model.js';
import { createWasmBackend } from '../wasm/inference/backend.js';
import { formatPercent } from '../report/percent.js';
import { byteCount, integer } from './arguments.js';
import { countDisplay } from './countBar.js';
import { dtypeOption } from './dtype.js';
import { print, printJson, threeDigits } from './print.js';
import { requireSafetensorsName } from './safetensorsOutput.js';
import { driftOf, openProbe, type Drift, type Probe, type ProbeOptions } from './probe.js';
import { CONFIG_HELP, readNetworkWeights, type WeightsOptions } from './weights.js';

interface PackOptions extends WeightsOptions, ProbeOptions {
  readonly dtype: WeightsDtype;
  readonly shard?: number;
  readonly json?: true;
}

const stemOf = (output: string): string => output.replace(/\.(safetensors|json)$/, '');

/** The path of the weights, or of the index if they are cut into shards. */
function targetOf(output: string, { shard }: PackOptions): string {
  if (shard !== undefined) return `${stemOf(output)}.json`;
  if (!output.endsWith('.json')) return output;
  const hint = 'Add --shard to write shards and their index.';
  throw new ParamError({ op: output, expected: '.safetensors', got: '.json without --shard', hint });
}

/** The files to write. */
interface Package {
  /** The path of the weights, or of the index. */
  readonly target: string;
  /** The size of all weights. */
  readonly bytes: number;
  /** The paths of the shards. */
  readonly shards: readonly string[];
  /** Contents by path. The index comes last: if it is there, so are the shards. */
  readonly files: ReadonlyMap<string, Uint8Array | string>;
}

/** Cuts encoded weights into shards, if the options ask for it. */
function packageOf(weights: Uint8Array, output: string, options: PackOptions): Package {
  const target = targetOf(output, options);
  const bytes = weights.length;
  if (options.shard === undefined) return { target, bytes, shards: [], files: new Map([[target, weights]]) };
  const { index, shards } = cutShards(weights, { name: basename(stemOf(output)), limit: options.shard });
  const files = new Map<string, Uint8Array | string>();
  for (const [file, part] of shards) files.set(join(dirname(output), file), part);
  const paths = [...files.keys()];
  files.set(target, `${JSON.stringify(index, null, 1)}\n`);
  return { target, bytes, shards: paths, files };
}

const grouped = (n: number): string => n.toLocaleString('en-US');

function shardLine(shards: readonly string[], limit: number): string {
  const [first, last] = [shards[0], shards[shards.length - 1]].map((path) => basename(path));
  const names = first === last ? first : `${first} to ${last}`;
  return `shards    ${shards.length} of at most ${grouped(limit)} bytes: ${names}`;
}

/** What was written, and what it changed. */
interface Report {
  readonly input: string;
  readonly result: Package;
  readonly bytesBefore: number;
  readonly probe: Probe;
  readonly drift: Drift;
}

function printReport({ input, result, bytesBefore, probe, drift }: Report, { dtype, shard }: PackOptions): void {
  const { target, bytes, shards } = result;
  print(`packed    ${input} -> ${target} (${dtype})`);
  if (shard !== undefined) print(shardLine(shards, shard));
  print(`size      ${grouped(bytesBefore)} -> ${grouped(bytes)} bytes, ${formatPercent(bytes / bytesBefore)}`);
  print(
    `logits    differ by at most ${threeDigits(drift.maxDifference)}, ${threeDigits(100 * drift.relativeDifference)}% of the ` +
      `largest (${threeDigits(drift.maxLogit)}), ${threeDigits(drift.meanDifference)} on average, on ${probe.what}`,
  );
  print(`top-1     unchanged for ${formatPercent(drift.top1Agreement)} of the images`);
  const { accuracy } = drift;
  if (accuracy !== null) print(`accuracy  ${formatPercent(accuracy.before)} -> ${formatPercent(accuracy.after)}`);
}

function printReportJson({ result, bytesBefore, probe, drift }: Report, { dtype }: PackOptions): void {
  const { target: output, shards, bytes } = result;
  printJson({ output, dtype, shards, bytes: { before: bytesBefore, after: bytes }, probe: probe.what, ...drift });
}

/** Compares the network with the one of the encoded weights, and shows the progress. */
async function measureDrift(
  weights: Uint8Array,
  before: Model,
  backend: Backend,
  probe: Probe,
  { json }: PackOptions,
): Promise<Drift> {
  const after = await loadModel(weights, { backend });
  const count = countDisplay({
    what: 'images',
    line: (text) => {
      if (!json) print(text);
    },
  });
  try {
    return await driftOf([before, after], probe, (done, total) => {
      count.show(done, total);
    });
  } finally {
    count.end();
    after.dispose();
  }
}

/** Encodes the weights and measures what that changes. Writes nothing. */
async function convert(
  { state, config, files: inputs }: { state: StateDict; config: ModelConfig; files: readonly string[] },
  output: string,
  probe: Probe,
  options: PackOptions,
): Promise<{ readonly result: Package; readonly drift: Drift }> {
  const backend = createWasmBackend({ threads: 'auto' });
  const before = await Model.open(state, config, backend);
  try {
    const weights = encodeSafetensors(state, { metadata: writeConfig(config), dtype: options.dtype });
    const result = packageOf(weights, output, options);
    for (const path of result.files.keys()) await requireWritable(path, inputs);
    return { result, drift: await measureDrift(weights, before, backend, probe, options) };
  } finally {
    before.dispose();
  }
}

async function pack(input: string, output: string, options: PackOptions): Promise<void> {
  requireSafetensorsName(output);
  await requireWritable(targetOf(output, options), [input]);
  const weights = await readNetworkWeights(input, options);
  if (weights.config.form !== 'deploy') {
    const hint = 'Fuse it first: vanillanet fuse IN OUT.';
    throw new WeightsError({ op: input, expected: 'the deploy form', got: 'the train form', hint });
  }
  const probe = await openProbe(weights.config, options);
  const { result, drift } = await convert(weights, output, probe, options);
  // After measuring, so that a failure leaves existing files as they are.
  for (const [path, content] of result.files) await atomicWrite(path, content);
  const report: Report = { input, result, bytesBefore: weights.size, probe, drift };
  if (options.json) printReportJson(report, options);
  else printReport(report, options);
}

export const packCommand = (): Command =>
  new Command('pack')
    .description('Convert weights to a smaller type or cut them into shards, and measure the effect.')
    .argument('<in>', 'weights of the fused form (.safetensors), or the index of shards (.json)')
    .argument('<out>', 'file to write; with --shard, the index (.json)')
    .addOption(dtypeOption('-d, --dtype <type>', 'type of the weights', WEIGHTS_DTYPES).makeOptionMandatory())
    .addOption(
      new Option('--shard [size]', 'cut the file into pieces of at most this size')
        .preset('24MiB')
        .argParser(byteCount),
    )
    .option('-n, --probe <n>', 'images to measure on (default: 64 shapes, or all of --data)', integer(1))
    .option('--data <what>', 'measure on the test images of a data set, and their accuracy')
    .option('--seed <n>', 'seed of the shapes', integer(0), 0)
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(pack);
