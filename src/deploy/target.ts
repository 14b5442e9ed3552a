import { showField } from '../core/check.js';
import { ParamError } from '../core/errors.js';

/** List prices in US dollars. Prices that a row omits are 0. Included usage is per month. */
export interface Price {
  readonly usd_per_month: number;
  readonly usd_per_million_requests: number;
  readonly usd_per_million_cpu_ms: number;
  /** A GB is 2^30 bytes of the chosen memory size. Time is rounded up to milliseconds. */
  readonly usd_per_gb_second: number;
  readonly included_requests: number;
  readonly included_cpu_ms: number;
  readonly included_gb_seconds: number;
}

/** A platform to deploy to: its limits, null for none stated, and its prices. The keys are those of the JSON file of --platforms. */
export interface Target {
  readonly name: string;
  /** The date and the page of the figures, which change. */
  readonly date: string;
  readonly source: string;
  /** The most memory of an instance, and the least if the size can be chosen. */
  readonly memory_bytes: number;
  readonly min_memory_bytes: number;
  /** Memory that the runtime itself takes. */
  readonly runtime_bytes: number;
  /** If the share of a processor grows with the memory size: the size with a whole processor. */
  readonly whole_cpu_bytes: number | null;
  /** Limit of CPU time a request. */
  readonly cpu_ms: number | null;
  /** Limit of the deployed code, compressed if the platform counts it so (weights hardly compress). */
  readonly code_bytes: number | null;
  /** Limit of a static file. */
  readonly asset_bytes: number | null;
  /** Whether WebAssembly is available. */
  readonly webassembly: boolean;
  readonly price: Price | null;
  readonly note: string | null;
}

const PRICE: Price = {
  usd_per_month: 0,
  usd_per_million_requests: 0,
  usd_per_million_cpu_ms: 0,
  usd_per_gb_second: 0,
  included_requests: 0,
  included_cpu_ms: 0,
  included_gb_seconds: 0,
};

/** Keys that a row may omit, with their defaults. */
const OPTIONAL = {
  min_memory_bytes: 0,
  runtime_bytes: 0,
  whole_cpu_bytes: null,
  cpu_ms: null,
  code_bytes: null,
  asset_bytes: null,
  webassembly: true,
  price: null,
  note: null,
} as const;

export type PriceRow = Partial<Price>;
export type TargetRow = Omit<Target, keyof typeof OPTIONAL | 'price'> & {
  readonly price?: PriceRow | null;
} & Partial<Pick<Target, Exclude<keyof typeof OPTIONAL, 'price'>>>;

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isAmount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isLimit = (value: unknown): boolean => isAmount(value) && value !== 0;
const orNull = ([expected, holds]: Check): Check => [`${expected}, or null`, (value) => value === null || holds(value)];

/** Whether a value is a date of the calendar. JavaScript parses February 30 as March 2. */
const isDate = (value: unknown): boolean => {
  const time = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(String(value));
};

const TEXT: Check = ['some text', (value) => typeof value === 'string' && value.trim() !== ''];
const AMOUNT: Check = ['a number >= 0', isAmount];
const LIMIT: Check = ['a number > 0', isLimit];

const CHECKS: Readonly<Record<Exclude<keyof Target, 'price'>, Check>> = {
  name: TEXT,
  date: ["a date such as '2026-11-24'", isDate],
  source: ['a URL', (value) => typeof value === 'string' && /^https?:\/\/\S+$/.test(value)],
  memory_bytes: LIMIT,
  min_memory_bytes: AMOUNT,
  runtime_bytes: AMOUNT,
  whole_cpu_bytes: orNull(LIMIT),
  cpu_ms: orNull(LIMIT),
  code_bytes: orNull(LIMIT),
  asset_bytes: orNull(LIMIT),
  webassembly: ['true or false', (value) => typeof value === 'boolean'],
  note: orNull(TEXT),
};

function fieldsOf(value: unknown, known: readonly string[], op: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParamError({ op, expected: 'an object', got: showField(value) });
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new ParamError({ op: `${op}.${key}`, expected: `one of the keys ${known.join(', ')}`, got: 'unknown key' });
    }
  }
  return value as Record<string, unknown>;
}

function check([expected, holds]: Check, value: unknown, op: string): void {
  if (!holds(value)) throw new ParamError({ op, expected, got: showField(value) });
}

function checkPrice(value: unknown, op: string): Price {
  const price = { ...PRICE, ...fieldsOf(value, Object.keys(PRICE), op) };
  for (const [key, amount] of Object.entries(price)) check(AMOUNT, amount, `${op}.${key}`);
  return price;
}

/** Checks a row and fills in the defaults. @throws ParamError that names the key */
export function checkTarget(row: unknown, op: string): Target {
  const fields: Readonly<Record<string, unknown>> = {
    ...OPTIONAL,
    ...fieldsOf(row, [...Object.keys(CHECKS), 'price'], op),
  };
  const checked = Object.entries(CHECKS).map(([key, rule]) => {
    check(rule, fields[key], `${op}.${key}`);
    return [key, fields[key]] as const;
  });
  const price = fields['price'] === null ? null : checkPrice(fields['price'], `${op}.price`);
  // All keys are checked above.
  const target = { ...Object.fromEntries(checked), price } as unknown as Target;
  const { min_memory_bytes: least, memory_bytes: most } = target;
  if (least > most) {
    throw new ParamError({ op: `${op}.min_memory_bytes`, expected: `at most memory_bytes, ${most}`, got: `${least}` });
  }
  return target;
}

/**
 * Merges the rows of a file, `{ "platforms": [...] }`, into a list: a row replaces the one of its name, or is added
 * at the end.
 *
 * @param op the file's name in errors
 * @throws ParamError that names the row and the key
 */
export function mergeTargets(targets: readonly Target[], file: unknown, op: string): Target[] {
  const { platforms } = fieldsOf(file, ['platforms'], op);
  if (!Array.isArray(platforms)) {
    throw new ParamError({ op: `${op}: platforms`, expected: 'a list', got: showField(platforms) });
  }
  const rows = new Map(targets.map((target) => [target.name, target]));
  const names = new Set<string>();
  platforms.forEach((row: unknown, i) => {
    const target = checkTarget(row, `${op}: platforms[${i}]`);
    if (names.has(target.name)) {
      throw new ParamError({ op: `${op}: platforms[${i}].name`, expected: 'a unique name', got: target.name });
    }
    names.add(target.name);
    rows.set(target.name, target);
  });
  return [...rows.values()];
}
