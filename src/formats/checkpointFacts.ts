import { PickleObject, type PickleDict, type PickleKey, type PickleValue } from '../io/pickle/pickleValues.js';
import type { FileFacts } from './foreignFile.js';
import { dictOf } from './pickledDicts.js';

/** Arguments by name: of an `argparse.Namespace`, or a dict. */
function argumentsOf(value: PickleValue | undefined): PickleDict | null {
  return value instanceof PickleObject && value.name === 'argparse.Namespace' ? dictOf(value.state) : dictOf(value);
}

type Read<T> = (value: PickleValue | undefined) => T | undefined;

const isText: Read<string> = (value) => (typeof value === 'string' ? value : undefined);
const isNumber: Read<number> = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const isNumberOrNull: Read<number | null> = (value) => (value === null ? null : isNumber(value));
const isBoolean: Read<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

/** The arguments of the official code that matter, and their types. */
const ARGUMENTS: { readonly [K in keyof Omit<FileFacts, 'epoch'>]-?: Read<NonNullable<FileFacts[K]> | null> } = {
  model: isText,
  decay_epochs: isNumber,
  decay_linear: isBoolean,
  nb_classes: isNumber,
  act_num: isNumber,
  input_size: isNumber,
  crop_pct: isNumberOrNull,
  drop: isNumber,
};

/** What a checkpoint says beside its tensors, under `epoch` and `args`. What has another type is left out. */
export function factsOf(checkpoint: PickleValue): FileFacts {
  const dict: ReadonlyMap<PickleKey, PickleValue> = dictOf(checkpoint) ?? new Map();
  const args: ReadonlyMap<PickleKey, PickleValue> = argumentsOf(dict.get('args')) ?? new Map();
  const facts: Record<string, unknown> = { epoch: isNumber(dict.get('epoch')) };
  for (const [name, read] of Object.entries(ARGUMENTS)) facts[name] = read(args.get(name));
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
