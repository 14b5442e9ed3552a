/** Finds the network in a file of another framework, and says how. */
import type { ModelConfig, ModelConfigInput } from '../core/config.js';
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { checkParameter, checkShapes, inModelOrder, isCounter, parameterShapes } from '../core/parameters.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { architectureOf, checkStated } from './architecture.js';
import type { FileTensor, ForeignFile, TensorGroup } from './foreignFile.js';
import { isNetworkName, namingOf, prefixesOf, type Naming } from './naming.js';

export interface RecognizeOptions {
  /** Keys of `ModelConfig` that the caller states; they override the file. */
  readonly config?: ModelConfigInput;
  /** Whether to take the exponential moving average if the file has one. Default true. */
  readonly ema?: boolean;
  /** The keys that lead to the weights to take, with dots between them, such as `model_ema`. */
  readonly key?: string;
}

/** What was found in a file. */
export interface Recognition {
  /** For example `PyTorch checkpoint (zip)`. */
  readonly format: string;
  readonly writer: string | null;
  /** The keys that lead to the weights, such as `model_ema`; empty if the file has no others. */
  readonly source: string;
  /** Other weights in the file that could be taken. */
  readonly otherSources: readonly string[];
  readonly isEma: boolean;
  /** The last epoch that was trained, from 0; null if the file does not say. */
  readonly epoch: number | null;
  readonly config: ModelConfig;
  /** What precedes all names, such as `module.`. */
  readonly prefix: string;
  /** The number of tensors of the network in the file. */
  readonly matched: number;
  /** Names that were changed, without the prefix: PyTorch's by those of the file. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Tensors of the network that the file lacks, without counters of batches, which nothing is computed from. */
  readonly missing: readonly string[];
  /** Tensors of the file that the network does not have. */
  readonly unexpected: readonly string[];
  /** The types of the tensors, by the number of their values. */
  readonly dtypes: ReadonlyMap<string, number>;
  readonly guesses: readonly string[];
  readonly notes: readonly string[];
  /** The tensors of the network by PyTorch's names, in the order of its `state_dict()`. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
}

/** How many names an error lists. */
const LISTED = 5;

/** Names for an error: the first ones, and how many more. */
export const listNames = (names: readonly string[]): string =>
  names.length <= LISTED ? names.join(', ') : `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more`;

/** The words of a key: `ModelEMA` and `model_ema` have the same. */
const wordsOf = (key: string): readonly string[] =>
  key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/);

const has = (path: readonly string[], words: readonly string[]): boolean =>
  path.some((key) => wordsOf(key).some((word) => words.includes(word)));

const isEmaPath = (path: readonly string[]): boolean => has(path, ['ema', 'averaged', 'swa']);
/** The state of an optimizer may have the names of the weights. */
const isOptimizerPath = (path: readonly string[]): boolean =>
  has(path, [
    'optim',
    'optimizer',
    'optimizers',
    'exp',
    'momentum',
    'scheduler',
    'scaler',
    'grad',
    'grads',
    'gradients',
  ]);

const nameOf = ({ path }: TensorGroup): string => path.join('.');

/** Groups with a network each: one dictionary may have several, behind different prefixes. */
function splitByPrefix(group: TensorGroup): TensorGroup[] {
  const prefixes = prefixesOf(group.tensors.keys());
  if (prefixes.length < 2) return prefixes.length === 0 ? [] : [group];
  // The longest prefix counts: `model.` also begins `model.ema.`.
  const longestFirst = [...prefixes].sort((a, b) => b.length - a.length);
  return prefixes.map((prefix) => ({
    path: [...group.path, ...prefix.split('.').filter((key) => key !== '')],
    tensors: new Map(
      [...group.tensors].filter(([name]) => longestFirst.find((each) => name.startsWith(each)) === prefix),
    ),
  }));
}

/** The only group. @throws WeightsError if there are several: which is meant is not for this package to guess */
function onlyGroup(groups: readonly TensorGroup[], name: string): TensorGroup {
  if (groups.length === 1) return groups[0];
  throw new WeightsError({
    op: name,
    expected: 'one network',
    got: `several: ${listNames(groups.map((group) => nameOf(group) || 'one without a key'))}`,
    hint: 'Name one: vanillanet convert FILE net.safetensors --key NAME.',
  });
}

/** The group to take: the average if there is one, as the accuracies that are published are of it. */
function chooseGroup(
  file: ForeignFile,
  name: string,
  { ema = true, key }: RecognizeOptions,
): { group: TensorGroup; others: TensorGroup[] } {
  const groups = file.groups.flatMap(splitByPrefix).filter(({ path }) => !isOptimizerPath(path));
  if (groups.length === 0) {
    const some = file.groups.flatMap(({ tensors }) => [...tensors.keys()]).slice(0, 3);
    throw new WeightsError({
      op: `${name}: weights`,
      expected: 'the tensors of a VanillaNet (stem1.0.weight or stem.0.weight)',
      got: some.length === 0 ? 'no tensors' : `${some.join(', ')}, …`,
      hint: 'Only weights of VanillaNet are read.',
    });
  }
  const named = groups.filter((each) => nameOf(each) === key);
  if (key !== undefined && named.length === 0) {
    const got = listNames(groups.map((each) => nameOf(each) || 'one without a key'));
    throw new WeightsError({
      op: name,
      expected: `weights under the key ${show(key)}`,
      got,
      hint: 'Pass one of these.',
    });
  }
  const preferred = groups.filter(({ path }) => isEmaPath(path) === ema);
  const candidates = key !== undefined ? named : preferred.length > 0 ? preferred : groups;
  const group = onlyGroup(candidates, name);
  return { group, others: groups.filter((each) => each !== group) };
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function countTypes(tensors: Iterable<FileTensor>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { dtype, shape } of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + elements(shape));
  return counts;
}

const renamedIn = ({ prefix, names }: Naming): Map<string, string> =>
  new Map(
    [...names].filter(([name, fileName]) => fileName !== prefix + name).map(([name, fileName]) => [fileName, name]),
  );

/**
 * Finds the network in a file: which of its groups of tensors, under which names, and of which sizes.
 *
 * @param name of the file, for errors
 * @throws WeightsError if there is none, or more than one that fits, or a tensor of it is damaged
 * @throws ParamError for an invalid configuration
 */
export function recognize(file: ForeignFile, name: string, options: RecognizeOptions = {}): Recognition {
  const { config: input = {} } = options;
  const { group, others } = chooseGroup(file, name, options);
  const naming = namingOf(group.tensors.keys(), name);
  if (naming === null) throw new Error('A group with a network has no names of it.');
  const inFile = new Map<string, FileTensor>();
  for (const [pyTorchName, fileName] of naming.names) {
    const tensor = group.tensors.get(fileName);
    if (tensor?.damage !== undefined && isNetworkName(pyTorchName)) throw tensor.damage;
    if (tensor !== undefined) inFile.set(pyTorchName, tensor);
  }
  const shapes = new Map([...inFile].map(([key, { shape }]) => [key, shape]));
  checkStated(file.stated, input, name);
  const known = { ...file.stated, ...file.config, ...input };
  const { config, guesses, notes } = architectureOf(shapes, file.facts, known, name);
  const expected = parameterShapes(config);
  const tensors = inModelOrder(new Map([...inFile].filter(([key]) => expected.has(key))), config);
  return {
    ...{ format: file.format, writer: file.writer, source: nameOf(group), otherSources: others.map(nameOf) },
    ...{ isEma: isEmaPath(group.path), epoch: file.facts.epoch ?? null, config, prefix: naming.prefix },
    matched: tensors.size,
    renamed: new Map([...(file.renamed ?? []), ...renamedIn(naming)]),
    missing: [...expected.keys()].filter((key) => !tensors.has(key) && !isCounter(key)),
    unexpected: [
      ...[...naming.names].filter(([key]) => !expected.has(key)).map(([, fileName]) => fileName),
      ...naming.others,
      ...(file.unexpected ?? []),
    ],
    dtypes: countTypes(tensors.values()),
    guesses: [...(file.guesses ?? []), ...guesses],
    notes: [
      ...(file.notes ?? []),
      ...notes,
      ...(file.facts.ignored ?? []).map((each) => `The file states ${each}, which is ignored.`),
    ],
    tensors,
  };
}

/**
 * Checks that a network is whole.
 *
 * @param options `strict`: whether tensors that it does not have, and guesses, are refused, too
 * @throws WeightsError
 */
export function requireWhole(
  { config, missing, unexpected, guesses, tensors }: Recognition,
  name: string,
  { strict = false }: { readonly strict?: boolean } = {},
): void {
  if (missing.length > 0) {
    const isHead = missing.every((each) => each.startsWith('cls'));
    const hint = isHead
      ? 'It is a backbone without a classifier, as detectors use it: pass the weights of the whole network.'
      : 'Save the whole state_dict again.';
    throw new WeightsError({
      op: name,
      expected: 'all tensors of the network',
      got: `none of these: ${listNames(missing)}`,
      hint,
    });
  }
  if (strict && unexpected.length > 0) {
    const hint = 'Omit --strict to leave them out.';
    throw new WeightsError({ op: name, expected: 'only the tensors of the network', got: listNames(unexpected), hint });
  }
  if (strict && guesses.length > 0) {
    const hint = 'State it by --variant, --lambda or --config, or omit --strict.';
    throw new WeightsError({
      op: name,
      expected: 'a file that states its network',
      got: `a guess: ${guesses[0]}`,
      hint,
    });
  }
  checkShapes(new Map([...tensors].map(([key, { shape }]) => [key, shape])), config, name);
}

/** The tensors of a network, whose values are checked when they are read. */
export const checkedTensors = ({ tensors }: Recognition, name: string): ReadonlyMap<string, FileTensor> =>
  new Map(
    [...tensors].map(([key, tensor]) => {
      const read: FileTensor['read'] = async () => {
        const data = await tensor.read();
        checkParameter(key, { data, shape: tensor.shape }, name);
        return data;
      };
      return [key, { ...tensor, read }];
    }),
  );

/** Reads all tensors of a network, one after the other, and checks their values. @throws WeightsError */
export async function readState(recognition: Recognition, name: string): Promise<StateDict> {
  const state = new Map<string, Tensor>();
  for (const [key, tensor] of checkedTensors(recognition, name)) {
    state.set(key, { data: await tensor.read(), shape: tensor.shape });
  }
  return state;
}
