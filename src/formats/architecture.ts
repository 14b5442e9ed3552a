/** Derives the configuration of a network from the shapes of its tensors, and from what the file says. */
import { show } from '../core/check.js';
import { scheduledLambda } from '../core/lambdaSchedule.js';
import { resolveConfig, VARIANTS, type ModelConfig, type ModelConfigInput, type VariantName } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { formatShape } from '../core/tensor.js';
import type { FileFacts } from './foreignFile.js';
import { IMAGENET_CLASSES } from './imagenetClasses.js';
import { formOfNames } from './naming.js';

type Shapes = ReadonlyMap<string, readonly number[]>;

/** A configuration, and what of it was guessed. */
export interface Architecture {
  readonly config: ModelConfig;
  /** One sentence for each value that neither the file nor the caller states. */
  readonly guesses: readonly string[];
  /** One sentence for each contradiction that has no effect. */
  readonly notes: readonly string[];
}

const AXES = 4;

/** @throws WeightsError unless the tensor is there, with four axes */
function kernelShape(shapes: Shapes, name: string, file: string): readonly [number, number, number, number] {
  const shape = shapes.get(name);
  const expected = `a tensor ${name} of four axes`;
  if (shape?.length === AXES) return shape as readonly [number, number, number, number];
  throw new WeightsError({ op: file, expected, got: shape === undefined ? 'none' : formatShape(shape) });
}

/** The number of stages: their numbers must be 0, 1, 2, … */
function stageCount(shapes: Shapes, layer: string): number {
  let count = 0;
  while (shapes.has(`stages.${count}.${layer}.weight`)) count++;
  return count;
}

const isSame = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** The published variants with these channels. */
const variantsOf = (dims: readonly number[]): readonly VariantName[] =>
  (Object.keys(VARIANTS) as VariantName[]).filter((name) => isSame(VARIANTS[name].dims, dims));

const isVariant = (name: string | undefined): name is VariantName =>
  name !== undefined && Object.hasOwn(VARIANTS, name);

/** A stage pools by 2 where channels double: so in all published variants. */
const guessStrides = (dims: readonly number[]): number[] =>
  dims.slice(1).map((channels, i) => (channels === 2 * dims[i] ? 2 : 1));

/**
 * The variant: the one that the file names, or the only one with these channels. Two variants have the same shapes, one of
 * them with adaptive pools: with the wrong one every logit is wrong, without any error.
 *
 * @throws WeightsError if the file does not say which
 */
function variantFor(dims: readonly number[], facts: FileFacts, file: string): VariantName | null {
  const candidates = variantsOf(dims);
  const { model } = facts;
  if (isVariant(model) && candidates.includes(model)) return model;
  if (candidates.length <= 1) return candidates.at(0) ?? null;
  throw new WeightsError({
    op: file,
    expected: `a file that says which network it is: ${candidates.join(' or ')}`,
    got: 'shapes that both have',
    hint: `Convert it with the one that was trained: vanillanet convert FILE net.safetensors --variant ${candidates[0]}, or ${candidates[1]}. The wrong one computes wrong logits.`,
  });
}

/** λ that the file states, or that of the last epoch, as the official code sets it. */
function lambdaOf({ lambda, epoch, decay_epochs: decay, decay_linear: isLinear = true }: FileFacts): number | null {
  if (lambda !== undefined) return lambda;
  if (epoch === undefined || decay === undefined) return null;
  return scheduledLambda(epoch, decay, isLinear ? 'linear' : 'cosine');
}

function factsOf(facts: FileFacts): ModelConfigInput {
  const { input_size, crop_pct, drop } = facts;
  return {
    ...(input_size === undefined ? {} : { input_size }),
    ...(typeof crop_pct === 'number' ? { crop_pct } : {}),
    ...(drop === undefined ? {} : { drop_rate: drop }),
  };
}

interface Sizes extends Pick<Architecture, 'guesses' | 'notes'> {
  readonly keys: ModelConfigInput;
}

/** What the caller states, in words; null if it is nothing about the network. */
const statedBy = ({ variant, strides, dims }: ModelConfigInput): string | null =>
  variant !== undefined ? show(variant) : strides !== undefined || dims !== undefined ? 'dims and strides' : null;

/** The keys of a network whose file states where it pools, and that it has no adaptive pools. */
function statedSizes(dims: readonly number[], strides: readonly number[], { model, guesses }: FileFacts): Sizes {
  const variant = variantsOf(dims).find((name) => {
    const { strides: own, ada_pool } = resolveConfig({ variant: name });
    return ada_pool === null && isSame(own, strides);
  });
  const guess = guesses?.strides;
  if (variant === undefined) return { keys: { dims, strides }, guesses: guess === undefined ? [] : [guess], notes: [] };
  const isOther = isVariant(model) && model !== variant;
  return {
    ...{ keys: { variant }, guesses: [] },
    notes: isOther ? [`The file names ${model}; its tensors are those of ${variant}.`] : [],
  };
}

/** @throws WeightsError if the caller states other pools than a file that states where it pools */
function checkPools(facts: FileFacts, input: ModelConfigInput, file: string): void {
  if (facts.strides === undefined) return;
  const { strides, ada_pool } = input.variant === undefined ? input : resolveConfig({ variant: input.variant });
  const refuse = (expected: string, got: string): never => {
    throw new WeightsError({ op: file, expected, got, hint: 'Omit what the file states itself.' });
  };
  if (Array.isArray(ada_pool)) refuse('a network without adaptive pools, as in the file', `ada_pool ${show(ada_pool)}`);
  const isGuess = facts.guesses?.strides !== undefined;
  if (!Array.isArray(strides) || isGuess || isSame(strides as readonly number[], facts.strides)) return;
  refuse(`strides ${show(facts.strides)}, as in the file`, `strides ${show(strides)}`);
}

/** The keys that determine the network: those of the caller, of the variant, or guessed. @throws WeightsError */
function sizesFor(dims: readonly number[], facts: FileFacts, input: ModelConfigInput, file: string): Sizes {
  const { model } = facts;
  const strides = guessStrides(dims);
  const stated = statedBy(input);
  if (stated !== null) {
    checkPools(facts, input, file);
    const isOther = isVariant(model) && input.variant !== model;
    const notes = isOther ? [`The file names ${model}; taken instead, as stated: ${stated}.`] : [];
    return { keys: input.variant === undefined ? { dims, strides } : {}, guesses: [], notes };
  }
  if (facts.strides !== undefined) return statedSizes(dims, facts.strides, facts);
  const variant = variantFor(dims, facts, file);
  if (variant !== null) {
    const isOther = isVariant(model) && model !== variant;
    return {
      ...{ keys: { variant }, guesses: [] },
      notes: isOther ? [`The file names ${model}; its tensors are those of ${variant}.`] : [],
    };
  }
  if (isVariant(model) && VARIANTS[model].strides.length === strides.length) {
    const { strides: poolStrides, ada_pool } = resolveConfig({ variant: model });
    const pools = ada_pool === null ? '' : ' and adaptive pools';
    const guess = `strides [${poolStrides.join(', ')}]${pools}: those of ${model}, which the file names; its channels are others.`;
    return { keys: { dims, strides: poolStrides, ada_pool }, guesses: [guess], notes: [] };
  }
  if (isVariant(model) && resolveConfig({ variant: model }).ada_pool !== null) {
    throw new WeightsError({
      op: file,
      expected: `the stages of ${model}, which the file names`,
      got: `channels [${dims.join(', ')}]`,
      hint: 'State strides and ada_pool in a file for --config. Without adaptive pools, the stem is another one, too: the logits would be wrong.',
    });
  }
  const guess = `strides [${strides.join(', ')}]: a stage pools by 2 where channels double, as in all published variants.`;
  const notes = isVariant(model) ? [`The file names ${model}, which has another number of stages.`] : [];
  return { keys: { dims, strides }, guesses: [guess], notes };
}

/** λ of the file, which the caller may not contradict. @throws WeightsError */
function statedLambda(facts: FileFacts, { lambda }: ModelConfigInput, isTrain: boolean, file: string): number | null {
  const own = isTrain ? lambdaOf(facts) : 1;
  if (own === null || lambda === undefined || lambda === own) return own;
  // The caller knows better than a guess.
  if (isTrain && facts.guesses?.lambda !== undefined) return null;
  const [expected, got] = [`lambda ${own}, as in the file`, `lambda ${show(lambda)}`];
  throw new WeightsError({ op: file, expected, got, hint: 'Omit lambda: the file states it.' });
}

/** The keys that a graph states; a variant states three of them. */
const STATED = ['dims', 'strides', 'ada_pool', 'article_stem', 'in_chans', 'num_classes', 'act_num', 'form', 'lambda'] as const; // prettier-ignore

/**
 * Compares what the caller states with what the graph of a file computes.
 *
 * @param file for errors
 * @throws WeightsError if they differ
 * @throws ParamError for a variant that there is not
 */
export function checkStated(graph: ModelConfigInput | undefined, input: ModelConfigInput, file: string): void {
  if (graph === undefined) return;
  const { dims, strides, ada_pool } = input.variant === undefined ? input : resolveConfig({ variant: input.variant });
  const stated: ModelConfigInput = { ...input, dims, strides, ada_pool };
  for (const key of STATED) {
    if (stated[key] === undefined || JSON.stringify(stated[key]) === JSON.stringify(graph[key])) continue;
    const what = input.variant === undefined ? `${key} ${show(stated[key])}` : `${key} of ${show(input.variant)}`;
    const hint = 'Omit what the graph states itself.';
    throw new WeightsError({ op: file, expected: `${key} ${show(graph[key])}, as in the graph`, got: what, hint });
  }
}

/**
 * The configuration of a network.
 *
 * @param shapes by PyTorch's names
 * @param input keys that the caller states, which override the file
 * @param file for errors
 * @throws WeightsError if the shapes are those of no VanillaNet, or of two, or the caller contradicts λ
 * @throws ParamError for an invalid key of `input`
 */
export function architectureOf(shapes: Shapes, facts: FileFacts, input: ModelConfigInput, file: string): Architecture {
  const form = formOfNames(shapes);
  const isTrain = form === 'train';
  const [stem, act, head] = isTrain
    ? ['stem1.0.weight', 'stem2.2.weight', 'cls2.0.weight']
    : ['stem.0.weight', 'stem.1.weight', 'cls.2.weight'];
  const layer = isTrain ? 'conv2.0' : 'conv';
  const [first, in_chans] = kernelShape(shapes, stem, file);
  const stages = stageCount(shapes, layer);
  const dims = [first];
  for (let i = 0; i < stages; i++) dims.push(kernelShape(shapes, `stages.${i}.${layer}.weight`, file)[0]);
  // A backbone has no classifier, and is refused later by the names that are missing.
  const num_classes = shapes.has(head)
    ? kernelShape(shapes, head, file)[0]
    : (facts.nb_classes ?? IMAGENET_CLASSES.length);
  const act_num = (kernelShape(shapes, act, file)[2] - 1) / 2;

  const sizes = sizesFor(dims, facts, input, file);
  const lambda = statedLambda(facts, input, isTrain, file);
  const isUnknown = lambda === null && input.lambda === undefined;
  const lambdaGuess = isTrain && input.lambda === undefined ? facts.guesses?.lambda : undefined;
  const isImageNet = num_classes === IMAGENET_CLASSES.length && input.class_names === undefined;
  const config = resolveConfig({
    ...{ in_chans, num_classes, act_num, form, lambda },
    ...(isImageNet ? { class_names: IMAGENET_CLASSES } : {}),
    ...factsOf(facts),
    ...sizes.keys,
    ...input,
  });
  const notes = [
    ...sizes.notes,
    ...(isUnknown
      ? ['The file does not state lambda. Evaluations assume 1, as the official one does; fuse asks for it.']
      : []),
    ...(isImageNet ? ['The 1000 classes have the names of those of ImageNet.'] : []),
  ];
  return { config, guesses: [...sizes.guesses, ...(lambdaGuess === undefined ? [] : [lambdaGuess])], notes };
}
