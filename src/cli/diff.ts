import { Command, InvalidArgumentError } from 'commander';
import { extname } from 'node:path';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { formatShape, type StateDict, type Tensor } from '../core/tensor.js';
import { compare, holds, type Candidate } from '../diff/compare.js';
import { readDump, outputsOfDump, type Dump } from '../diff/dump.js';
import { roundingOf } from '../diff/rounding.js';
import { recordOutputs } from '../diff/recordOutputs.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { referenceBackend } from '../oracle/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { integer, number } from './arguments.js';
import { buildOption } from './backends.js';
import { openDiffBackend } from './diffBackends.js';
import { findInput } from './diffInput.js';
import { comparisonJson, formatVerdict } from './diffTable.js';
import { fileArgument } from './plot.js';
import { outputColumns, print, printBlock, printJson } from './print.js';
import { CONFIG_HELP, readNetworkWeights, requireLambda, type WeightsOptions } from './weights.js';

interface DiffOptions extends WeightsOptions {
  readonly weights: string;
  readonly input?: string;
  readonly backends: readonly string[];
  readonly dump: readonly string[];
  readonly build: BuildChoice;
  readonly seed: number;
  readonly html?: string;
  readonly json?: true;
}

const isDump = (name: string): boolean => extname(name).toLowerCase() === '.safetensors';

/** The names of backends and dumps, in the order of the command line. */
function namesOf({ backends, dump }: DiffOptions): string[] {
  const names = [...backends, ...dump];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new ParamError({ op: '--backends', expected: 'different names', got: `${twice} twice` });
  if (names.some((name) => name !== referenceBackend.name)) return names;
  throw new ParamError({
    op: '--backends',
    expected: 'a backend or dump to compare with the reference',
    got: names.join(','),
  });
}

interface Setup {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly x: Tensor;
  readonly dumps: readonly Dump[];
  readonly build: BuildChoice;
}

async function candidateOf(name: string, { state, config, x, dumps, build }: Setup): Promise<Candidate> {
  const dump = dumps.find(({ file }) => file === name);
  if (dump !== undefined) return { name, ...outputsOfDump(dump, config, x) };
  const backend = await openDiffBackend(name, build);
  // The others are judged by the reference.
  const judged = name !== referenceBackend.name;
  return { name, judged, rounding: roundingOf(backend.name), ...(await recordOutputs(backend, state, config, x)) };
}

async function diff(options: DiffOptions): Promise<void> {
  const { weights, input, html, json, seed, build } = options;
  const names = namesOf(options);
  const files = names.filter((name) => isDump(name));
  for (const name of names) if (!isDump(name)) await openDiffBackend(name, build);
  if (html !== undefined) await requireWritable(html, [weights, ...files, ...(input === undefined ? [] : [input])]);
  const { state, config: stored } = await readNetworkWeights(weights, options);
  if (stored.form === 'train') requireLambda(weights, stored.lambda);
  const dumps = await Promise.all(files.map(readDump));
  const { source, x } = await findInput(input, dumps, stored, seed);
  const config: ModelConfig = { ...stored, input_size: [x.shape[2], x.shape[3]] };
  const setup: Setup = { state, config, x, dumps, build };
  const [first, ...others] = names;
  const candidates: [Candidate, ...Candidate[]] = [await candidateOf(first, setup)];
  for (const name of others) candidates.push(await candidateOf(name, setup));
  const comparison = compare(state, config, x, candidates);

  const about = { weights, form: config.form, input: source, shape: x.shape };
  if (html !== undefined) {
    // Imported here, because the drawing code takes a third of a second to load.
    const { diffHtml } = await import('../report/diffPage.js');
    await atomicWrite(html, diffHtml(comparison, about));
  }
  if (!holds(comparison)) process.exitCode = 1;
  if (json) {
    printJson({ ...about, holds: holds(comparison), ...comparisonJson(comparison) });
    return;
  }
  print(`${weights}, ${config.form} form, on ${source} ${formatShape(x.shape)}`);
  for (const verdict of comparison.verdicts) {
    print('');
    printBlock(formatVerdict(verdict, comparison.to, outputColumns()));
  }
  if (html === undefined) return;
  print('');
  print(`wrote ${html}`);
}

/** A list of names such as `reference,wasm`. */
function list(text: string): string[] {
  const names = text.split(',');
  if (names.includes('')) throw new InvalidArgumentError('Expected names with commas between them.');
  return names;
}

const appendDump = (file: string, files: readonly string[]): string[] => [...files, fileArgument('.safetensors')(file)];

export const diffCommand = (): Command =>
  new Command('diff')
    .description('Compare backends and activations of other frameworks with the reference, layer by layer.')
    .requiredOption('-w, --weights <file>', 'weights (.safetensors); WebAssembly needs the fused form')
    .option('-i, --input <file>', "tensor x [n,c,h,w] or image (default: the dump's, or noise)")
    .option('-b, --backends <names>', 'reference, wasm[:build], tfjs[:engine], dumps', list, ['reference', 'wasm'])
    .option('--dump <file>', 'activations of another framework (repeatable)', appendDump, [])
    .addOption(buildOption())
    .option('-l, --lambda <value>', 'lambda of the activations (train form)', number(0, 1))
    .option('--seed <n>', 'seed of the noise', integer(0), 0)
    .option('--html <file>', 'write a page with a chart and heat maps', fileArgument('.html'))
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(diff);
