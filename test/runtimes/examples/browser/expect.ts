/** Assertions whose errors name the value that is wrong. */
import { isDeepStrictEqual } from 'node:util';

export function expectEqual(what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

export function expectTrue(what: string, condition: boolean): void {
  expectEqual(what, condition, true);
}
