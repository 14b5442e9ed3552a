import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { mergeTargets } from '../../src/deploy/target.js';
import { TARGETS } from '../../src/deploy/targets.js';
import { refusal } from '../io/refusal.js';

const ROW = { name: 'here', date: '2026-11-24', source: 'https://example.org/limits', memory_bytes: 1e8 };
const names = (rows: readonly { readonly name: string }[]): string[] => rows.map(({ name }) => name);

test('the built-in rows have unique names', () => {
  expect(new Set(names(TARGETS)).size).toBe(TARGETS.length);
  expect(TARGETS.filter(({ price }) => price === null).map(({ name }) => name)).toEqual([
    'Vercel Edge (Pro)',
    'Netlify Edge',
    'Fastly Compute',
    'Deno Deploy',
  ]);
});

test('the built-in rows are valid in a file', () => {
  const file = JSON.parse(JSON.stringify({ platforms: TARGETS })) as unknown;
  expect(mergeTargets([], file, 'file')).toEqual(TARGETS);
});

test('a row replaces the one of its name completely; a new one comes last', () => {
  const file = { platforms: [{ ...ROW, name: 'Netlify Edge' }, ROW] };
  const rows = mergeTargets(TARGETS, file, 'file');
  expect(names(rows)).toEqual([...names(TARGETS), 'here']);
  // The limits of the replaced row are gone.
  expect(rows.find(({ name }) => name === 'Netlify Edge')).toMatchObject({ memory_bytes: 1e8, cpu_ms: null });
  expect(rows[0]).toBe(TARGETS[0]);
});

describe('refuses', () => {
  const cases: [given: unknown, op: string, expected: string, got: string][] = [
    [{}, 'file: platforms', 'a list', 'nothing'],
    [{ platforms: {} }, 'file: platforms', 'a list', '{}'],
    [{ platforms: [], rows: [] }, 'file.rows', 'one of the keys platforms', 'unknown key'],
    [{ platforms: [null] }, 'file: platforms[0]', 'an object', 'null'],
    [{ platforms: [ROW, []] }, 'file: platforms[1]', 'an object', '[]'],
    [{ platforms: [{ ...ROW, cpu: 50 }] }, 'file: platforms[0].cpu', 'cpu_ms', 'unknown key'],
    [{ platforms: [{ ...ROW, name: ' ' }] }, 'platforms[0].name', 'some text', '" "'],
    [{ platforms: [{ ...ROW, date: '2026-02-30' }] }, 'platforms[0].date', 'a date', '"2026-02-30"'],
    [{ platforms: [{ ...ROW, date: 'today' }] }, 'platforms[0].date', 'a date', '"today"'],
    [{ platforms: [{ ...ROW, source: 'hearsay' }] }, 'platforms[0].source', 'a URL', '"hearsay"'],
    [{ platforms: [{ ...ROW, memory_bytes: undefined }] }, 'platforms[0].memory_bytes', 'a number > 0', 'nothing'],
    [{ platforms: [{ ...ROW, memory_bytes: 0 }] }, 'platforms[0].memory_bytes', 'a number > 0', '0'],
    [{ platforms: [{ ...ROW, cpu_ms: '50' }] }, 'platforms[0].cpu_ms', 'a number > 0, or null', '"50"'],
    [{ platforms: [{ ...ROW, webassembly: 'no' }] }, 'platforms[0].webassembly', 'true or false', '"no"'],
    [{ platforms: [{ ...ROW, price: 5 }] }, 'platforms[0].price', 'an object', '5'],
    [{ platforms: [{ ...ROW, price: { usd: 5 } }] }, 'platforms[0].price.usd', 'usd_per_month', 'unknown key'],
    [
      { platforms: [{ ...ROW, price: { usd_per_month: -1 } }] },
      'platforms[0].price.usd_per_month',
      'a number >= 0',
      '-1',
    ],
    [{ platforms: [{ ...ROW, min_memory_bytes: 2e8 }] }, 'platforms[0].min_memory_bytes', 'at most', '200000000'],
    [{ platforms: [ROW, ROW] }, 'platforms[1].name', 'a unique name', 'here'],
  ];
  test.each(cases)('%j', (file, op, expected, got) => {
    expect(() => mergeTargets(TARGETS, file, 'file')).toThrow(refusal(ParamError, op, expected, got));
  });
});
