import { expect } from '@jest/globals';
import type { VanillaNetError } from '../../src/core/errors.js';

type Class = abstract new (...args: never[]) => VanillaNetError;

/** Matches an error of the class by what its fields contain; for `toThrow` and `rejects.toThrow`. */
export function refusal(type: Class, op: string, expected: string, got: string): ReturnType<typeof expect.anything> {
  const fields = {
    name: type.name,
    op: expect.stringContaining(op),
    expected: expect.stringContaining(expected),
    got: expect.stringContaining(got),
  };
  return expect.objectContaining(fields);
}
