/** What pickles of PyTorch and PaddlePaddle have in common: dicts of tensors within dicts. */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { kindOfValue, PickleObject, type PickleDict, type PickleValue } from '../io/pickle/pickleValues.js';
import type { FileTensor, TensorGroup } from './foreignFile.js';

/** Dicts within dicts that are looked through. */
const DEEPEST = 4;
/** Dicts that are looked through; a short file may name one dict many times. */
const MAX_DICTS = 10_000;
/** Keys of what is no weights, but may have tensors of the same names. */
const NO_WEIGHTS: ReadonlySet<string> = new Set(['optimizer', 'optim', 'scaler', 'lr_scheduler']);

const DICT_CLASSES: ReadonlySet<string> = new Set(['collections.OrderedDict', 'collections.defaultdict']);

/** The items of a dict, or of an object of a class of dicts; null for another value. */
export function dictOf(value: PickleValue | undefined): PickleDict | null {
  if (value instanceof Map) return value;
  if (!(value instanceof PickleObject) || !DICT_CLASSES.has(value.name)) return null;
  // Python 2 passes the items of an OrderedDict as a list of pairs.
  value.entries ??= new Map(pairsOf(value.args[0]));
  return value.entries;
}

function pairsOf(value: PickleValue | undefined): [string, PickleValue][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((pair): [string, PickleValue][] =>
    Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' ? [[pair[0], pair[1]]] : [],
  );
}

/** Finds the tensors of a value. */
class GroupFinder {
  readonly groups: TensorGroup[] = [];
  private readonly tensors = new Map<PickleDict, ReadonlyMap<string, FileTensor>>();
  private dicts = 0;

  constructor(
    private readonly tensorOf: (value: PickleValue, path: readonly string[]) => FileTensor | null,
    private readonly more: ReadonlyMap<string, FileTensor>,
    private readonly op: string,
  ) {}

  add(dict: PickleDict, path: readonly string[]): void {
    if (++this.dicts > MAX_DICTS) {
      const hint = 'Save only the weights: torch.save(model.state_dict(), "net.pth").';
      throw new WeightsError({ op: this.op, expected: `at most ${MAX_DICTS} dicts of tensors`, got: 'more', hint });
    }
    const tensors =
      path.length === 0 ? new Map([...this.tensorsOf(dict, path), ...this.more]) : this.tensorsOf(dict, path);
    if (tensors.size > 0) this.groups.push({ path, tensors });
    if (path.length === DEEPEST) return;
    for (const [key, value] of dict) {
      if (typeof key !== 'string' || NO_WEIGHTS.has(key)) continue;
      const inner = dictOf(value);
      if (inner !== null) this.add(inner, [...path, key]);
    }
  }

  /** The tensors of a dict, made once for each dict. */
  private tensorsOf(dict: PickleDict, path: readonly string[]): ReadonlyMap<string, FileTensor> {
    const known = this.tensors.get(dict);
    if (known !== undefined) return known;
    const tensors = new Map<string, FileTensor>();
    for (const [key, value] of dict) {
      if (typeof key !== 'string') continue;
      const tensor = this.tensorOf(value, [...path, key]);
      if (tensor !== null) tensors.set(key, tensor);
    }
    this.tensors.set(dict, tensors);
    return tensors;
  }
}

/** Keys that are shown in an error. */
const SHOWN = 10;

/**
 * All dicts with tensors that string keys lead to, but for those of optimizers.
 *
 * @param tensorOf the tensor that a value is; null for another value
 * @param more tensors of the outermost dict
 * @throws WeightsError if there are none
 */
export function groupsOf(
  value: PickleValue,
  tensorOf: (value: PickleValue, path: readonly string[]) => FileTensor | null,
  op: string,
  hint: string,
  more: ReadonlyMap<string, FileTensor> = new Map(),
): readonly TensorGroup[] {
  const expected = 'a dict of tensors, such as a state_dict';
  const dict = dictOf(value);
  if (dict === null) {
    const got = tensorOf(value, []) === null ? kindOfValue(value) : 'one tensor';
    throw new WeightsError({ op, expected, got, hint });
  }
  const finder = new GroupFinder(tensorOf, more, op);
  finder.add(dict, []);
  if (finder.groups.length > 0) return finder.groups;
  const keys = [...dict.keys()].slice(0, SHOWN).map(show).join(', ');
  const got = dict.size === 0 ? 'an empty dict' : `no tensors under the keys ${keys}${dict.size > SHOWN ? ', …' : ''}`;
  throw new WeightsError({ op, expected, got, hint });
}
