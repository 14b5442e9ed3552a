/** Errors on stderr: one line with the error, and one with the hint if there is one. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { FusionError } from '../../reference/index.js';
import { printError } from '../../src/cli/print.js';
import { WeightsError } from '../../src/core/errors.js';

let stderr = '';

beforeEach(() => {
  stderr = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

test('the hint of an error is on its own line', () => {
  const hint = 'Fuse it first: vanillanet fuse IN OUT.';
  printError(new WeightsError({ op: 'net', expected: 'the deploy form', got: 'the train form', hint }));
  expect(stderr).toBe(`WeightsError: net: expected the deploy form, got the train form\nhint: ${hint}\n`);
});

test('so is the hint of an error of the reference', () => {
  printError(new FusionError('fuse', 'lambda 1', 'lambda 0.5', 'Train to the end.'));
  expect(stderr).toBe('FusionError: fuse: expected lambda 1, got lambda 0.5\nhint: Train to the end.\n');
});

test('an error without a hint, whose message has several lines, is one line', () => {
  printError(new WeightsError({ op: 'net', expected: 'JSON', got: 'a\n  b' }));
  expect(stderr).toBe('WeightsError: net: expected JSON, got a b\n');
});
