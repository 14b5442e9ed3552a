/** Lines of the commands: errors with their hints, tables, and text that cannot control the terminal. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FusionError } from '../../reference/index.js';
import {
  outputColumns,
  print,
  printBlock,
  printError,
  printJson,
  printLine,
  printText,
  table,
  toJson,
} from '../../src/cli/print.js';
import { WeightsError } from '../../src/core/errors.js';
import { Screen } from './screen.js';

let [stderr, stdout] = ['', ''];

beforeEach(() => {
  [stderr, stdout] = ['', ''];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
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
  printError(new Error('a\n  b'));
  expect(stderr).toBe('Error: a b\n');
});

test('an error that quotes control characters', () => {
  printError(new WeightsError({ op: 'net\x1b[2J', expected: 'JSON', got: '\x9b1m', hint: 'Open \u202ex.' }));
  expect(stderr).toBe('WeightsError: net\\x1b[2J: expected JSON, got \\x9b1m\nhint: Open \\u202ex.\n');
});

test('lines and blocks', () => {
  print('one\ntwo\x1b');
  printLine(process.stdout, '\tthree');
  printBlock('four\n\nfive\x7f');
  expect(stdout).toBe('one\\x0atwo\\x1b\n\\x09three\nfour\n\nfive\\x7f\n');
});

test('JSON stays JSON', () => {
  const value = { label: '\x1b[31m\x9b', list: [1, null] };
  expect(toJson(value)).toBe('{"label":"\\u001b[31m\\u009b","list":[1,null]}');
  printJson(value);
  expect(stdout).toContain('\n  "list": [\n    1,');
  expect(JSON.parse(stdout)).toEqual(value);
});

test('a pipe has any width', () => {
  expect(outputColumns()).toBe(process.stdout.isTTY ? process.stdout.columns - 1 : Infinity);
});

describe('on a terminal, text continues below what follows its label', () => {
  test.each([
    ['data   one two three', 'data   one two\n    three'],
    ['memory one two three', 'memory one two\n    three'],
    ['fused - x  one two', 'fused - x  one\n    two'],
    ['    indented words', '    indented\n    words'],
    ['Words without a label', 'Words without a\n  label'],
    ['one two three  four five', 'one two three\n    four five'],
  ])('%j', (text, expected) => {
    const screen = new Screen(17);
    printText(screen, text);
    expect(screen.text).toBe(`${expected}\n`);
  });

  test('commands to copy are not broken', () => {
    const screen = new Screen(8);
    printLine(screen, 'vanillanet plot runs/train');
    expect(screen.text).toBe('vanillanet plot runs/train\n');
  });
});

describe('table', () => {
  const rows = [
    ['name', 'kind', 'count'],
    ['猫の名前', 'a', 1000],
    ['\x1b\n', '', 2],
  ];

  test('aligns wide characters, and escapes controls', () => {
    expect(table(rows)).toBe('name      kind  count\n猫の名前  a     1,000\n\\x1b\\x0a            2');
  });

  test('has columns only where they fit', () => {
    expect(table(rows, 21)).toBe(table(rows));
    expect(table(rows, 20)).toBe(
      ['name 猫の名前', '  kind   a', '  count  1,000', 'name \\x1b\\x0a', '  count  2'].join('\n'),
    );
  });
});
