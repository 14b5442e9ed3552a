import { ParamError } from '../core/errors.js';

/** List price in US dollars: what is not named costs nothing, and what is included is so each month. */
export interface Price {
  readonly usd_per_month: number;
  readonly usd_per_million_requests: number;
  readonly usd_per_million_cpu_ms: number;
  /** A GB is 2^30 bytes of the memory that one has chosen, a second is counted in whole milliseconds. */
  readonly usd_per_gb_second: number;
  readonly included_requests: number;
  readonly included_cpu_ms: number;
  readonly included_gb_seconds: number;
}

/** A runtime that one rents, by its limits; null where it tells none. The keys are those of the file that users write. */
export interface Target {
  readonly name: string;
  /** When the figures were looked at, and where: they change. */
  readonly date: string;
  readonly source: string;
  /** At most, for one instance; and at least, where one chooses. */
  readonly memory_bytes: number;
  readonly min_memory_bytes: number;
  /** What the runtime itself takes of it. */
  readonly runtime_bytes: number;
  /** Where the processor's share grows with the memory: the memory that has a whole one. */
  readonly whole_cpu_bytes: number | null;
  /** Of one request. */
  readonly cpu_ms: number | null;
  /** Of all that is deployed as code, after compression where the platform counts so: weights hardly compress. */
  readonly code_bytes: number | null;
  /** Of one file that lies beside the code. */
  readonly asset_bytes: number | null;
  /** Whether the engine can run at all. */
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

/** What may be left out, and what that means. */
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

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isAmount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isLimit = (value: unknown): boolean => isAmount(value) && value !== 0;
const orNull = ([expected, holds]: Check): Check => [`${expected}, or null`, (value) => value === null || holds(value)];

/** Of the calendar: JavaScript takes February 30 for March 2. */
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

function fieldsOf(given: unknown, known: readonly string[], op: string): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ParamError({ op, expected: 'an object', got: show(given) });
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) {
      throw new ParamError({ op: `${op}.${key}`, expected: `one of the keys ${known.join(', ')}`, got: 'unknown key' });
    }
  }
  return given as Record<string, unknown>;
}

function check([expected, holds]: Check, value: unknown, op: string): void {
  if (!holds(value)) throw new ParamError({ op, expected, got: show(value) });
}

function checkPrice(given: unknown, op: string): Price {
  const price = { ...PRICE, ...fieldsOf(given, Object.keys(PRICE), op) };
  for (const [key, value] of Object.entries(price)) check(AMOUNT, value, `${op}.${key}`);
  return price;
}

/** @throws ParamError naming the key, what it may be and what came */
export function checkTarget(given: unknown, op: string): Target {
  const fields: Readonly<Record<string, unknown>> = {
    ...OPTIONAL,
    ...fieldsOf(given, [...Object.keys(CHECKS), 'price'], op),
  };
  const checked = Object.entries(CHECKS).map(([key, rule]) => {
    check(rule, fields[key], `${op}.${key}`);
    return [key, fields[key]] as const;
  });
  const price = fields['price'] === null ? null : checkPrice(fields['price'], `${op}.price`);
  // Each of its keys has just been looked at.
  const platform = { ...Object.fromEntries(checked), price } as unknown as Target;
  const { min_memory_bytes: least, memory_bytes: most } = platform;
  if (least > most) {
    throw new ParamError({ op: `${op}.min_memory_bytes`, expected: `at most memory_bytes, ${most}`, got: `${least}` });
  }
  return platform;
}

/**
 * Rows of a file, `{ "platforms": [...] }`, in the place of ours with their names, and after them those that are new.
 *
 * @param op how errors call the file
 * @throws ParamError naming the row and the key
 */
export function mergeTargets(own: readonly Target[], given: unknown, op: string): Target[] {
  const { platforms } = fieldsOf(given, ['platforms'], op);
  if (!Array.isArray(platforms)) {
    throw new ParamError({ op: `${op}: platforms`, expected: 'a list', got: show(platforms) });
  }
  const rows = new Map(own.map((platform) => [platform.name, platform]));
  const named = new Set<string>();
  platforms.forEach((row: unknown, i) => {
    const platform = checkTarget(row, `${op}: platforms[${i}]`);
    if (named.has(platform.name)) {
      throw new ParamError({ op: `${op}: platforms[${i}].name`, expected: 'a name of its own', got: platform.name });
    }
    named.add(platform.name);
    rows.set(platform.name, platform);
  });
  return [...rows.values()];
}
