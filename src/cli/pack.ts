import { Command, Option } from 'commander';
import { basename, dirname, join } from 'node:path';
import type { Backend } from '../core/backend.js';
import { ParamError, WeightsError } from '../core/errors.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { writeConfig } from '../io/configMetadata.js';
import { cutShards } from '../io/cutShards.js';
import { encodeSafetensors, WEIGHTS_DTYPES, type WeightsDtype } from '../io/safetensors.js';
import { loadModel } from '../model/loadModel.js';
import { Model } from '../model/model.js';
import { createWasmBackend } from '../wasm/inference/backend.js';
import { byteCount, integer } from './arguments.js';
import { countDisplay } from './countBar.js';
import { dtypeOption } from './dtype.js';
import { brief, percent, print, printJson } from './print.js';
import { driftOf, openProbe, type Drift, type Probe, type ProbeOptions } from './probe.js';
import { CONFIG_HELP, openWeights, type WeightsOptions } from './weights.js';

interface PackOptions extends WeightsOptions, ProbeOptions {
  readonly dtype: WeightsDtype;
  readonly shard?: number;
  readonly json?: true;
}

const stemOf = (output: string): string => output.replace(/\.(safetensors|json)$/, '');

/** Where the weights or their index go. */
function targetOf(output: string, { shard }: PackOptions): string {
  if (shard !== undefined) return `${stemOf(output)}.json`;
  if (!output.endsWith('.json')) return output;
  throw new ParamError({ op: output, expected: '--shard for an index of shards', got: 'none' });
}

interface Packed {
  readonly target: string;
  readonly bytes: number;
  readonly shards: readonly string[];
  /** What is to be written, by its path; the index last: whoever finds it finds the shards. */
  readonly files: ReadonlyMap<string, Uint8Array | string>;
}

function packed(bytes: Uint8Array, output: string, options: PackOptions): Packed {
  const target = targetOf(output, options);
  const { length } = bytes;
  if (options.shard === undefined) return { target, bytes: length, shards: [], files: new Map([[target, bytes]]) };
  const { index, shards } = cutShards(bytes, { name: basename(stemOf(output)), limit: options.shard });
  const files = new Map<string, Uint8Array | string>();
  for (const [file, part] of shards) files.set(join(dirname(output), file), part);
  const paths = [...files.keys()];
  files.set(target, `${JSON.stringify(index, null, 1)}\n`);
  return { target, bytes: length, shards: paths, files };
}

function report(
  input: string,
  { target, bytes, shards }: Packed,
  before: number,
  { what }: Probe,
  drift: Drift,
  { dtype, shard }: PackOptions,
): void {
  const grouped = (n: number): string => n.toLocaleString('en-US');
  print(`packed    ${input} -> ${target} (${dtype})`);
  if (shard !== undefined) {
    const [first, last] = [shards[0], shards[shards.length - 1]].map((path) => basename(path));
    print(
      `shards    ${shards.length} of at most ${grouped(shard)} bytes: ${first === last ? first : `${first} to ${last}`}`,
    );
  }
  print(`size      ${grouped(before)} -> ${grouped(bytes)} bytes, ${percent(bytes / before)}`);
  print(
    `logits    differ by at most ${brief(drift.maxDifference)}, by ${brief(drift.meanDifference)} on average, ` +
      `of up to ${brief(drift.maxLogit)}, on ${what}`,
  );
  print(`top-1     the same for ${percent(drift.top1Agreement)} of them`);
  const { accuracy } = drift;
  if (accuracy !== null) print(`accuracy  ${percent(accuracy.before)} -> ${percent(accuracy.after)}`);
}

/** What becomes of the answers when the weights are those in the bytes. */
async function driftTo(
  bytes: Uint8Array,
  before: Model,
  backend: Backend,
  probe: Probe,
  { json }: PackOptions,
): Promise<Drift> {
  const after = await loadModel(bytes, { backend });
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

async function pack(input: string, output: string, options: PackOptions): Promise<void> {
  const target = targetOf(output, options);
  await requireWritable(target, [input]);
  const { state, config, files: inputs, size } = await openWeights(input, options);
  if (config.form !== 'deploy') {
    const got = 'the train form: fuse it first (npx vanillanet fuse)';
    throw new WeightsError({ op: input, expected: 'the fused form', got });
  }
  // What could be refused is, before anything is written.
  const probe = await openProbe(config, options);
  const backend = createWasmBackend({ threads: 'auto' });
  const before = await Model.open(state, config, backend);
  let result: Packed;
  let drift: Drift;
  try {
    const bytes = encodeSafetensors(state, { metadata: writeConfig(config), dtype: options.dtype });
    result = packed(bytes, output, options);
    for (const path of result.files.keys()) await requireWritable(path, inputs);
    drift = await driftTo(bytes, before, backend, probe, options);
  } finally {
    before.dispose();
  }

  // Only now: what was there before is better than what could not be measured.
  for (const [path, content] of result.files) await atomicWrite(path, content);
  if (options.json) {
    const { dtype } = options;
    const { shards } = result;
    printJson({
      output: target,
      dtype,
      shards,
      bytes: { before: size, after: result.bytes },
      probe: probe.what,
      ...drift,
    });
  } else {
    report(input, result, size, probe, drift, options);
  }
}

export const packCommand = (): Command =>
  new Command('pack')
    .description('Make weights small, in number or in pieces, and measure what that does to the answers.')
    .argument('<in>', 'weights of the fused form (.safetensors), or the index of their shards (.json)')
    .argument('<out>', 'where to write them; of shards, the index (.json), beside which they lie')
    .addOption(dtypeOption('-d, --dtype <type>', 'type of the weights written', WEIGHTS_DTYPES).makeOptionMandatory())
    .addOption(
      new Option('--shard [size]', 'cut the file into pieces of at most this size, 24MiB if not given')
        .preset('24MiB')
        .argParser(byteCount),
    )
    .option('-n, --probe <n>', 'images it is measured on: 64 drawn ones if not given, or all of --data', integer(1))
    .option('--data <what>', 'measure on test images: what eval takes; also tells the accuracy before and after')
    .option('--seed <n>', 'seed of the drawn images', integer(0), 0)
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(pack);
