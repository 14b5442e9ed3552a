import type { Entries, Entry } from './entries.js';

export interface Difference {
  readonly name: string;
  /** What changed, in one line. */
  readonly text: string;
  /** The largest absolute difference of two lists of numbers of one length; NaN if a value is not a number. */
  readonly largest?: number;
}

const SHOWN = 24;
const shorten = (text: string): string => (text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`);

const describe = (entry: Entry): string =>
  typeof entry === 'string' ? shorten(entry) : entry.length === 1 ? String(entry[0]) : `${entry.length} numbers`;

function differenceOf(name: string, before: Entry, after: Entry): Difference | null {
  if (typeof before === 'string' || typeof after === 'string') {
    return before === after ? null : { name, text: `${describe(before)} → ${describe(after)}` };
  }
  if (before.length !== after.length) return { name, text: `${describe(before)} → ${describe(after)}` };
  let count = 0;
  let largest = 0;
  for (let i = 0; i < before.length; i++) {
    // Object.is tells -0 from 0, and takes NaN for equal to itself.
    if (Object.is(before[i], after[i])) continue;
    count++;
    // Math.max gives NaN if either is NaN.
    largest = Math.max(largest, Math.abs(before[i] - after[i]));
  }
  if (count === 0) return null;
  const values = before.length === 1 ? `${describe(before)} → ${describe(after)}, ` : '';
  return { name, largest, text: `${values}${count} of ${before.length} differ, by at most ${largest}` };
}

/** The entries that differ, in the order of the new ones; then those that are gone. */
export function compareEntries(before: Entries, after: Entries): Difference[] {
  const differences: Difference[] = [];
  for (const [name, entry] of after) {
    const old = before.get(name);
    const difference = old === undefined ? { name, text: `new: ${describe(entry)}` } : differenceOf(name, old, entry);
    if (difference !== null) differences.push(difference);
  }
  for (const [name, entry] of before) {
    if (!after.has(name)) differences.push({ name, text: `removed: ${describe(entry)}` });
  }
  return differences;
}

/** A line for each difference, and one for all of them. */
export function reportLines(set: string, total: number, differences: readonly Difference[]): string[] {
  if (differences.length === 0) return [`${set}: all ${total} entries are equal`];
  const sizes = differences.flatMap(({ largest }) => (largest === undefined ? [] : [largest]));
  const largest = sizes.length === 0 ? '' : `; largest difference ${Math.max(...sizes)}`;
  return [
    ...differences.map(({ name, text }) => `${set}: ${name}: ${text}`),
    `${set}: ${differences.length} of ${total} entries differ${largest}`,
  ];
}
