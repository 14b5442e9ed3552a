/** Files that have the state of an optimizer, and no weights. */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import type { PickleDict, PickleValue } from '../io/pickle/pickleValues.js';
import { dictOf } from './pickledDicts.js';

/** Dicts within dicts that are looked through: PyTorch has `optimizer`, `state`, a number, `exp_avg`. */
const DEEPEST = 4;

/** The number of tensors in a dict and those within it, each dict counted once. */
export function countTensors(outer: PickleDict, isTensor: (value: PickleValue) => boolean): number {
  const seen = new Set<PickleDict>();
  const countIn = (dict: PickleDict, depth: number): number => {
    if (seen.has(dict) || depth > DEEPEST) return 0;
    seen.add(dict);
    let count = 0;
    for (const value of dict.values()) {
      const inner = dictOf(value);
      count += inner === null ? Number(isTensor(value)) : countIn(inner, depth + 1);
    }
    return count;
  };
  return countIn(outer, 0);
}

/** What an error says of the state of an optimizer. */
export interface OptimizerFacts {
  /** For example `PyTorch, zip`. */
  readonly format: string;
  readonly tensors: number;
  /** By which it is recognized. */
  readonly keys: readonly string[];
  /** Where the weights are. */
  readonly hint: string;
}

/** @throws WeightsError always */
export function refuseOptimizer(op: string, { format, tensors, keys, hint }: OptimizerFacts): never {
  const counted = `${tensors} ${tensors === 1 ? 'tensor' : 'tensors'}`;
  const named = `the ${keys.length === 1 ? 'key' : 'keys'} ${keys.map(show).join(' and ')}`;
  const got = `the state of an optimizer (${format}; ${counted}; ${named})`;
  throw new WeightsError({ op, expected: 'weights', got, hint });
}

/** Whether a dict is the `state_dict()` of an optimizer of PyTorch. */
function isTorchOptimizer(dict: PickleDict): boolean {
  const groups = dict.get('param_groups');
  return (
    dictOf(dict.get('state')) !== null &&
    Array.isArray(groups) &&
    groups.length > 0 &&
    groups.every((group) => dictOf(group)?.has('params') === true)
  );
}

/** The keys by which a checkpoint of PyTorch is known to have the state of an optimizer; null if it has none. */
export function keysOfTorchOptimizer(checkpoint: PickleDict): readonly string[] | null {
  if (isTorchOptimizer(checkpoint)) return ['state', 'param_groups'];
  for (const [key, value] of checkpoint) {
    const dict = dictOf(value);
    if (typeof key === 'string' && dict !== null && isTorchOptimizer(dict)) return [key];
  }
  return null;
}
