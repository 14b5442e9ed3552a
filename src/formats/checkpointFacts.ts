/** What the pickle of a checkpoint says beside its tensors: about the network, its training, and who wrote it. */
import { show } from '../core/check.js';
import { kindOfValue, PickleObject, type PickleDict, type PickleValue } from '../io/pickle/pickleValues.js';
import type { FileFacts } from './foreignFile.js';
import { dictOf, NO_WEIGHTS } from './pickledDicts.js';

const NAMESPACE = 'argparse.Namespace';

const isNamespace = (value: PickleValue | undefined): value is PickleObject =>
  value instanceof PickleObject && value.name === NAMESPACE;

/** Arguments by name: of an `argparse.Namespace`, or a dict. */
const argumentsOf = (value: PickleValue | undefined): PickleDict | null =>
  dictOf(isNamespace(value) ? value.state : value);

/** Whether a value is one that a fact may have. */
type Check = (value: PickleValue) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isCount =
  (min: number, max = Infinity): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
const isNumber =
  (isInRange: (value: number) => boolean): Check =>
  (value) =>
    typeof value === 'number' && Number.isFinite(value) && isInRange(value);

const isEpoch = isCount(0);

/** The arguments of the official code that matter, and their ranges. */
const ARGUMENTS: {
  readonly [K in keyof Omit<FileFacts, 'epoch' | 'lambda' | 'strides' | 'guesses' | 'ignored'>]-?: Check;
} = {
  model: isText,
  decay_epochs: isNumber((value) => value >= 0),
  decay_linear: isBoolean,
  nb_classes: isCount(1),
  act_num: isCount(0),
  input_size: isCount(1, 2 ** 16),
  crop_pct: isNumber((value) => value > 0 && value <= 1),
  drop: isNumber((value) => value >= 0 && value < 1),
};

/** The dict with the epoch and the arguments: the outermost one, or the only one in it that has them. */
function statingDict(checkpoint: PickleValue): PickleDict | null {
  const outer = dictOf(checkpoint);
  if (outer === null || states(outer)) return outer;
  const inner: PickleDict[] = [];
  for (const [key, value] of outer) {
    const dict = typeof key === 'string' && NO_WEIGHTS.has(key) ? null : dictOf(value);
    if (dict !== null && states(dict)) inner.push(dict);
  }
  return inner.length === 1 ? inner[0] : null;
}

const states = (dict: PickleDict): boolean => dict.has('epoch') || dict.has('args');

/** A value for a user. */
const showValue = (value: PickleValue): string =>
  typeof value === 'string' || typeof value === 'number' ? show(value) : kindOfValue(value);

/** What a checkpoint says under `epoch` and `args`. What has another type, or is out of range, is only listed. */
export function factsOf(checkpoint: PickleValue): FileFacts {
  const dict = statingDict(checkpoint);
  const args = argumentsOf(dict?.get('args'));
  const facts: Record<string, unknown> = {};
  const ignored: string[] = [];
  const add = (name: string, label: string, value: PickleValue | undefined, check: Check): void => {
    // None is the default of an argument, which says nothing.
    if (value === undefined || (value === null && name !== 'crop_pct')) return;
    if (value === null || check(value)) facts[name] = value;
    else ignored.push(`${label} ${showValue(value)}`);
  };
  add('epoch', 'epoch', dict?.get('epoch'), isEpoch);
  for (const [name, check] of Object.entries(ARGUMENTS)) add(name, `args.${name}`, args?.get(name), check);
  return ignored.length === 0 ? facts : { ...facts, ignored };
}

/** Letters of a version that are shown. */
const LONGEST_VERSION = 40;

/** The program that wrote a checkpoint, by the keys that only it writes; null for any other. */
export function writerOf(checkpoint: PickleValue): string | null {
  const dict = dictOf(checkpoint);
  if (dict === null) return null;
  const lightning = dict.get('pytorch-lightning_version');
  if (typeof lightning === 'string') return `PyTorch Lightning ${lightning.slice(0, LONGEST_VERSION)}`;
  const isTimm =
    ['version', 'args', 'state_dict'].every((key) => dict.has(key)) && typeof dict.get('arch') === 'string';
  if (isTimm) return "timm's train.py";
  const args = dict.get('args');
  const isOfficial = isNamespace(args) && dict.has('model') && dict.has('scaler');
  const model = isOfficial ? argumentsOf(args)?.get('model') : undefined;
  return typeof model === 'string' && model.startsWith('vanillanet') ? "VanillaNet's official code" : null;
}
