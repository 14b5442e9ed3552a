/** The cases that a port passes, and the table of conformance/README.md that says so. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GROUPS, readGroup, type Group } from '../../conformance/vectors.js';

export const FOLDER = fileURLToPath(new URL('../../conformance/', import.meta.url));

/** Cases that pass in each group, and those that do not: by name, with the verdict. */
export interface Result {
  readonly passed: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

const groupOf = new Map(GROUPS.flatMap((group) => readGroup(group).map(({ name }) => [name, group] as const)));

export function count(verdicts: readonly (readonly [name: string, kind: string])[]): Result {
  const passed = Object.fromEntries(GROUPS.map((group) => [group, 0])) as Record<Group, number>;
  for (const [name, kind] of verdicts) if (kind === 'passes') passed[groupOf.get(name) as Group]++;
  const wrong = verdicts.filter(([, kind]) => kind !== 'passes' && kind !== 'not offered');
  return { passed, wrong: wrong.map((verdict) => verdict.join(': ')) };
}

/** A row of the table in conformance/README.md, by the name of the port: the cases that pass, for each group. */
function row(name: string): Readonly<Record<string, number>> {
  const lines = readFileSync(`${FOLDER}README.md`, 'utf8').split('\n');
  const cells = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => cell.trim()); // prettier-ignore
  const header = lines.find((line) => line.startsWith('| port')) ?? '';
  const line = lines.find((each) => cells(each)[0] === name);
  if (line === undefined) throw new Error(`no row ${name}`);
  const numbers = cells(line).slice(1);
  return Object.fromEntries(cells(header).slice(1).map((group, i) => [group, Number(numbers[i])])); // prettier-ignore
}

/** What the table says of a port. */
export const allPass = (name: string): Result => ({ passed: row(name), wrong: [] });
