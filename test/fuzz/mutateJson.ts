/** Damages JSON: values of other types, keys too many and too few, deep nesting; then the text. */
import { bytesOfText, mutateBytes } from './mutateBytes.js';
import type { Random } from './random.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const NUMBERS = [0, -0, 1, -1, 2, 0.5, 1e-320, 1e308, 255, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21];
const TEXTS = [
  '',
  ' ',
  'x',
  '0',
  'null',
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\ud800',
  '🐱',
  'é',
  '../x',
];
const KEYS = ['', '__proto__', 'constructor', 'toString', '0', 'length', 'hint', '\ud800'];

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value that hardly any reader expects. */
function oddValue(random: Random): Json {
  switch (random.integer(0, 8)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
    case 3:
      return random.pick(NUMBERS);
    case 4:
      return random.pick(TEXTS);
    case 5:
      return random.pick(TEXTS).repeat(random.integer(1, 3000));
    case 6:
      return [];
    case 7:
      return Array.from({ length: random.integer(1, 200) }, () => random.pick(NUMBERS));
    default:
      return { [random.pick(KEYS)]: random.pick(NUMBERS) };
  }
}

const entriesOf = (value: { readonly [key: string]: Json }): [string, Json][] => Object.entries(value);

/** From pairs, also with the key `__proto__`. */
function fromEntries(entries: readonly (readonly [string, Json])[]): Json {
  const value: Record<string, Json> = {};
  for (const [key, each] of entries) {
    Object.defineProperty(value, key, { value: each, enumerable: true, configurable: true, writable: true });
  }
  return value;
}

function mutateList(random: Random, list: readonly Json[]): Json {
  const at = random.integer(0, list.length - 1);
  switch (random.integer(0, 3)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, list[at] ?? oddValue(random));
    case 2:
      return list.toReversed();
    default:
      return list.length === 0 ? [oddValue(random)] : list.with(at, mutateValue(random, list[at]));
  }
}

function mutateObject(random: Random, object: { readonly [key: string]: Json }): Json {
  const entries = entriesOf(object);
  const at = random.integer(0, entries.length - 1);
  switch (random.integer(0, 5)) {
    case 0:
      return fromEntries(entries.toSpliced(at, 1));
    case 1:
      return fromEntries([...entries, [random.pick(KEYS), oddValue(random)]]);
    case 2:
      return fromEntries(entries.toReversed());
    default: {
      if (entries.length === 0) return { x: oddValue(random) };
      const [key, value] = entries[at];
      const name = random.chance(0.1) ? key.slice(1) : key;
      return fromEntries(entries.with(at, [name, mutateValue(random, value)]));
    }
  }
}

/** A value with one change, at a random depth. */
export function mutateValue(random: Random, value: Json): Json {
  if (random.chance(0.1)) return oddValue(random);
  if (Array.isArray(value)) return mutateList(random, value as readonly Json[]);
  if (isObject(value)) return mutateObject(random, value);
  if (typeof value === 'number') return random.chance(0.5) ? value + random.integer(-2, 2) : random.pick(NUMBERS);
  if (typeof value === 'string') return random.chance(0.5) ? value + random.pick(TEXTS) : random.pick(TEXTS);
  return oddValue(random);
}

/** Text that is nested too deep for recursion. */
function nest(random: Random): string {
  const depth = random.pick([10, 100, 5000, 100_000]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"":', '}]'],
  ]);
  return open.repeat(depth) + (random.chance(0.8) ? '0' + close.repeat(depth) : '');
}

const WORDS = ['{', '}', '[', ']', ':', ',', '"', '\\', '\\u0000', 'null', '-', '1e999', '0', '"__proto__":', '\ufeff'];

/** A damaged JSON text, as bytes. @param values valid values */
export function mutateJson(random: Random, values: readonly Json[]): Uint8Array {
  let value = random.pick(values);
  for (let count = random.chance(0.2) ? 0 : 1 + random.few(3); count > 0; count--) value = mutateValue(random, value);
  const text = JSON.stringify(value);
  if (random.chance(0.02)) return bytesOfText(nest(random));
  if (random.chance(0.02)) return bytesOfText(text.replace(/:[^:{}]*/, () => `:${nest(random)}`));
  if (random.chance(0.02)) return utf16(text);
  if (random.chance(0.75)) return bytesOfText(text);
  return mutateBytes(random, bytesOfText(text), {
    words: WORDS.map(bytesOfText),
    others: values.map((each) => bytesOfText(JSON.stringify(each))),
  });
}

/** As PowerShell writes it. */
const utf16 = (text: string): Uint8Array => {
  const units = Uint16Array.from({ length: text.length + 1 }, (_, i) => (i === 0 ? 0xfeff : text.charCodeAt(i - 1)));
  return new Uint8Array(units.buffer);
};
