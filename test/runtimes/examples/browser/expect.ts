/** Whether two things are the same, said by name where they are not. */
import { isDeepStrictEqual } from 'node:util';

export function same(what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

export function holds(what: string, condition: boolean): void {
  same(what, condition, true);
}
