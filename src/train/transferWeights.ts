/** Weights of a trained network as the start of a training on other classes. */
import { checkBoolean, checkObject, checkOptions } from '../core/check.js';
import { resolveConfig, type ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { checkModelConfig } from '../core/network.js';
import { layerId } from '../core/optimizer.js';
import { checkState, inModelOrder, isCounter } from '../core/parameters.js';
import type { StateDict } from '../core/tensor.js';
import { checkTexts } from '../data/sets/checkSet.js';
import { initialState, type Truncation } from './initialState.js';

export interface TransferOptions {
  /** Seed of a new head. Default 0. */
  readonly seed?: number;
  /** Bounds of the distribution that its kernels are drawn from. Default 'absolute'. */
  readonly initTruncation?: Truncation;
  /** Whether to draw a new head even if the number of classes is the same. Default false. */
  readonly newHead?: boolean;
}

/** Weights, and the network that they are of. Other keys are ignored, so that a result of a training or a file fits. */
export interface TrainedWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
}

/** The start of a training. */
export interface Transfer {
  readonly state: StateDict;
  /** The configuration of the weights, with the new classes. */
  readonly config: ModelConfig;
  /** Names of the tensors that are those of the weights, in the order of the network. */
  readonly taken: readonly string[];
  /** Names of the tensors that were drawn: none, or all of the head. */
  readonly redrawn: readonly string[];
}

const TRANSFER_KEYS = ['seed', 'initTruncation', 'newHead'];

/** Beyond this many classes, whose square is a size of the head, a head of the train form has 2^30 values or more. */
const MOST_CLASSES = 2 ** 15;

/** @throws ParamError */
function checkClassNames(value: unknown): void {
  const names = checkTexts('classNames', value);
  if (names.length >= 1 && names.length <= MOST_CLASSES) return;
  throw new ParamError({ op: 'classNames', expected: `1 to ${MOST_CLASSES} names`, got: `${names.length}` });
}

/**
 * Takes the weights of a network for other classes. If their number differs, the head is drawn anew: kernels normal with
 * standard deviation 0.02, biases 0, its batch norm at its start, by the same random numbers as those of a training from
 * the beginning with this seed. In the train form, the head is all of `cls1` and `cls2`, whose sizes are those of the classes.
 *
 * @param weights of either form
 * @param classNames of the classes to train
 * @throws WeightsError for weights of another network than their configuration; ParamError
 */
export function transferWeights(
  weights: TrainedWeights,
  classNames: readonly string[],
  options: TransferOptions = {},
): Transfer {
  const { seed = 0, initTruncation = 'absolute', newHead = false } = checkOptions(options, TRANSFER_KEYS);
  checkBoolean('newHead', newHead);
  const { state, config: before } = checkObject('weights', weights);
  checkModelConfig(before);
  checkState(state, before);
  checkClassNames(classNames);
  const config = resolveConfig({ ...before, num_classes: classNames.length, class_names: classNames });
  const isNew = newHead || config.num_classes !== before.num_classes;
  const head = config.strides.length + 1;
  const isDrawn = (name: string): boolean => isNew && layerId(name, config.strides.length) === head;
  // Files of other frameworks may lack counters of batches.
  const isMissing = (name: string): boolean => isCounter(name) && !state.has(name);
  const drawn = initialState(config, seed, initTruncation, (name) => isDrawn(name) || isMissing(name));
  const merged = inModelOrder(new Map([...state, ...drawn]), config);
  const names = [...merged.keys()].filter((name) => !isCounter(name));
  return {
    ...{ state: merged, config },
    taken: names.filter((name) => !drawn.has(name)),
    redrawn: names.filter((name) => drawn.has(name)),
  };
}
