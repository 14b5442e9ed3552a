import { Command, InvalidArgumentError } from 'commander';
import { extname } from 'node:path';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { formatShape, type StateDict, type Tensor } from '../core/tensor.js';
import { compare, holds, type Candidate } from '../diff/compare.js';
import { readDump, viewsOfDump, type Dump } from '../diff/dump.js';
import { roundingOf } from '../diff/rounding.js';
import { watch } from '../diff/watch.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { referenceBackend } from '../oracle/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { integer, number } from './arguments.js';
import { buildOption } from './backends.js';
import { openBackend } from './diffBackends.js';
import { findInput } from './diffInput.js';
import { comparisonJson, tableOf } from './diffTable.js';
import { fileOf } from './plot.js';
import { print, printJson } from './print.js';
import { CONFIG_HELP, openWeights, type WeightsOptions } from './weights.js';

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

/** Whoever is compared, in the order that they were named in. */
function namesOf({ backends, dump }: DiffOptions): string[] {
  const names = [...backends, ...dump];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new ParamError({ op: '--backends', expected: 'each of them once', got: `${twice} twice` });
  if (names.some((name) => name !== referenceBackend.name)) return names;
  throw new ParamError({ op: '--backends', expected: 'one to hold against the reference', got: names.join(',') });
}

interface Given {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly x: Tensor;
  readonly dumps: readonly Dump[];
  readonly build: BuildChoice;
}

async function candidateOf(name: string, { state, config, x, dumps, build }: Given): Promise<Candidate> {
  const dump = dumps.find(({ file }) => file === name);
  if (dump !== undefined) return { name, ...viewsOfDump(dump, config, x) };
  const backend = await openBackend(name, build);
  // The reference is what the others are held against.
  const judged = name !== referenceBackend.name;
  return { name, judged, rounding: roundingOf(backend.name), ...(await watch(backend, state, config, x)) };
}

async function diff(options: DiffOptions): Promise<void> {
  const { weights, input, html, json, seed, build } = options;
  const names = namesOf(options);
  const files = names.filter((name) => isDump(name));
  for (const name of names) if (!isDump(name)) await openBackend(name, build);
  if (html !== undefined) await requireWritable(html, [weights, ...files, ...(input === undefined ? [] : [input])]);
  const { state, config: stored } = await openWeights(weights, options);
  const dumps = await Promise.all(files.map(readDump));
  const { source, x } = await findInput(input, dumps, stored, seed);
  const config: ModelConfig = { ...stored, input_size: [x.shape[2], x.shape[3]] };
  const given = { state, config, x, dumps, build };
  const [first, ...others] = names;
  const candidates: [Candidate, ...Candidate[]] = [await candidateOf(first, given)];
  for (const name of others) candidates.push(await candidateOf(name, given));
  const comparison = compare(state, config, x, candidates);

  const about = { weights, form: config.form, input: source, shape: x.shape };
  if (html !== undefined) {
    // What draws takes a third of a second to load.
    const { diffHtml } = await import('../report/diffPage.js');
    await atomicWrite(html, diffHtml(comparison, about));
  }
  if (!holds(comparison)) process.exitCode = 1;
  if (json) {
    printJson({ ...about, holds: holds(comparison), ...comparisonJson(comparison) });
    return;
  }
  print(`${weights}, ${config.form} form, on ${source} ${formatShape(x.shape)}\n`);
  print(comparison.verdicts.map((verdict) => tableOf(verdict, comparison.to)).join('\n\n'));
  if (html !== undefined) print(`\nwrote ${html}`);
}

/** `reference,wasm` */
function list(text: string): string[] {
  const names = text.split(',');
  if (names.includes('')) throw new InvalidArgumentError('Expected names with commas between them.');
  return names;
}

const another = (file: string, files: readonly string[]): string[] => [...files, fileOf('.safetensors')(file)];

export const diffCommand = (): Command =>
  new Command('diff')
    .description(
      'Compare backends, and activations of other frameworks, layer by layer: which is the first that leaves its float32 bound?',
    )
    .requiredOption('-w, --weights <file>', 'weights (.safetensors), of either form; WebAssembly takes the fused one')
    .option('-i, --input <file>', "a tensor x [n,c,h,w] (.safetensors), or an image; the dump's, or noise if not given")
    .option(
      '-b, --backends <names>',
      'reference, wasm, wasm:plain, wasm:relaxed, tfjs[:engine], dumps (.safetensors); differences are to the first',
      list,
      ['reference', 'wasm'],
    )
    .option(
      '--dump <file>',
      'activations of another framework, a tensor a module; several times for several',
      another,
      [],
    )
    .addOption(buildOption())
    .option('-l, --lambda <value>', 'slope of the deep-training activations (train form)', number(0, 1))
    .option('--seed <n>', 'seed of the noise', integer(0), 0)
    .option('--html <file>', 'write a page with a chart and the worst layer as a heat map', fileOf('.html'))
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(diff);
