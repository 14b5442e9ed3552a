/** What pickles of PyTorch and PaddlePaddle have in common: dicts of tensors within dicts. */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { kindOfValue, PickleObject, type PickleDict, type PickleValue } from '../io/pickle/pickleValues.js';
import type { FileTensor, TensorGroup } from './foreignFile.js';

/** Dicts within dicts that are looked through. */
const DEEPEST = 4;
/** Dicts that are looked through; a short file may name one dict many times. */
const MAX_DICTS = 10_000;
/** Tensors in all of these dicts. A checkpoint has a few thousand. */
const MAX_TENSORS = 100_000;
/** Letters of a key that are in the name of a tensor in errors: longer ones would take memory for each tensor. */
const LONGEST_KEY = 200;

/** Damaged tensors that a file may have: each keeps an error. */
export const MAX_DAMAGED = 5000;

/**
 * A tensor, or a damaged one in its place if the file states it wrongly: only those of the network need to be sound.
 *
 * @param find finds the tensor
 */
export function tensorOrDamage<T extends FileTensor | null>(find: () => T): T | FileTensor {
  try {
    return find();
  } catch (damage) {
    if (!(damage instanceof WeightsError)) throw damage;
    return { shape: [], dtype: 'unknown', damage, read: () => Promise.reject(damage) };
  }
}

/** How errors name a value: by the file and the keys that lead to it. */
export const nameOfValue = (file: string, path: readonly string[]): string =>
  path.length === 0
    ? file
    : `${file}: ${path.map((key) => (key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}…` : key)).join('.')}`;

/** What is in a dict. */
interface Content {
  readonly tensors: ReadonlyMap<string, FileTensor>;
  /** By their keys. */
  readonly dicts: readonly (readonly [key: string, dict: PickleDict])[];
}
/** Keys of what is no weights, but may have tensors of the same names. */
export const NO_WEIGHTS: ReadonlySet<string> = new Set(['optimizer', 'optim', 'scaler', 'lr_scheduler']);

const DICT_CLASSES: ReadonlySet<string> = new Set(['collections.OrderedDict', 'collections.defaultdict']);

/** The items of a dict, or of an object of a class of dicts; null for another value. */
export function dictOf(value: PickleValue | undefined): PickleDict | null {
  if (value instanceof Map) return value;
  if (!(value instanceof PickleObject) || !DICT_CLASSES.has(value.name)) return null;
  // Python 2 passes the items of an OrderedDict as a list of pairs.
  value.entries ??= entriesOf(value.args[0]);
  return value.entries;
}

/** The dicts of lists of pairs: a short file may make many dicts of one list. */
const dictsOfLists = new WeakMap<PickleValue[], PickleDict>();

/** The dict of a list of pairs, made once for each list. */
function entriesOf(list: PickleValue | undefined): PickleDict {
  const entries: PickleDict = new Map();
  if (!Array.isArray(list)) return entries;
  const known = dictsOfLists.get(list);
  if (known !== undefined) return known;
  for (const pair of list) {
    if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string') entries.set(pair[0], pair[1]);
  }
  dictsOfLists.set(list, entries);
  return entries;
}

/** Finds the tensors of a value. */
class GroupFinder {
  readonly groups: TensorGroup[] = [];
  private readonly contents = new Map<PickleDict, Content>();
  private dicts = 0;
  private tensors = 0;
  private damaged = 0;

  constructor(
    private readonly tensorOf: (value: PickleValue, path: readonly string[]) => FileTensor | null,
    private readonly more: ReadonlyMap<string, FileTensor>,
    private readonly op: string,
  ) {}

  add(dict: PickleDict, path: readonly string[]): void {
    if (++this.dicts > MAX_DICTS) this.refuse(`at most ${MAX_DICTS} dicts of tensors`);
    const isKnown = this.contents.has(dict);
    const content = this.contents.get(dict) ?? this.contentOf(dict, path);
    if (isKnown) this.count(content.tensors.size);
    const tensors = path.length === 0 ? new Map([...content.tensors, ...this.more]) : content.tensors;
    if (tensors.size > 0) this.groups.push({ path, tensors });
    if (path.length === DEEPEST) return;
    for (const [key, inner] of content.dicts) this.add(inner, [...path, key]);
  }

  /** What is in a dict, whose keys are looked at once: a short file may name a long dict many times. */
  private contentOf(dict: PickleDict, path: readonly string[]): Content {
    const tensors = new Map<string, FileTensor>();
    const dicts: [string, PickleDict][] = [];
    for (const [key, value] of dict) {
      if (typeof key !== 'string') continue;
      const tensor = tensorOrDamage(() => this.tensorOf(value, [...path, key]));
      if (tensor !== null) {
        this.count(1);
        if (tensor.damage !== undefined && ++this.damaged > MAX_DAMAGED) throw tensor.damage;
        tensors.set(key, tensor);
      }
      const inner = NO_WEIGHTS.has(key) ? null : dictOf(value);
      if (inner !== null) dicts.push([key, inner]);
    }
    const content: Content = { tensors, dicts };
    this.contents.set(dict, content);
    return content;
  }

  private count(tensors: number): void {
    this.tensors += tensors;
    if (this.tensors > MAX_TENSORS) this.refuse(`at most ${MAX_TENSORS} tensors`);
  }

  private refuse(expected: string): never {
    const hint = 'Save only the weights: torch.save(model.state_dict(), "net.pth").';
    throw new WeightsError({ op: this.op, expected, got: 'more', hint });
  }
}

const showKey = (key: PickleValue): string => (typeof key === 'object' && key !== null ? kindOfValue(key) : show(key));

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
  const keys = [...dict.keys()].slice(0, SHOWN).map(showKey).join(', ');
  const got = dict.size === 0 ? 'an empty dict' : `no tensors under the keys ${keys}${dict.size > SHOWN ? ', …' : ''}`;
  throw new WeightsError({ op, expected, got, hint });
}
