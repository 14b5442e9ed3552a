import { describe, expect, test } from '@jest/globals';
import { curvesHtml } from '../../src/report/page.js';
import { addresses, all, epochRecord, syntheticRun, parsed, stepRecord, texts } from './syntheticRun.js';

const config = { dims: [16, 32], lr: 0.003, data: '<shapes>' };
const worse = { loss: 3, top1: 0.01, top5: 0.02 };
const page = curvesHtml([
  { name: 'first', records: [...syntheticRun(3), epochRecord(4, { validation: worse })], config },
]);

test('is self-contained', () => {
  expect(page).toMatch(/^<!doctype html>/);
  expect(addresses(page)).toEqual([]);
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).toContain('name="viewport"');
});

test('defines every color that it uses', () => {
  const used = new Set([...page.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name));
  expect(used.size).toBeGreaterThan(4);
  for (const name of used) expect(page.match(new RegExp(`${name}: #`, 'g'))).toHaveLength(3);
});

test('has curves for wide and for narrow screens', () => {
  expect(all(parsed(page), 'figure > svg').map((svg) => svg.getAttribute('width'))).toEqual(['960', '390']);
});

test('lists the epochs and marks the best', () => {
  const rows = all(parsed(page), '.epochs tbody tr').map((row) => texts(row, 'td'));
  expect(rows.map(([epoch]) => epoch)).toEqual(['1', '2', '3 ★', '4']);
  expect(rows[2]).toEqual([
    ...['3 ★', '0.6667', '30.00%', '45.00%', '0.8333', '24.00%', '36.00%'],
    ...['0.500', '3.00e-3', '100', '61.0'],
  ]);
  expect(texts(parsed(page), '.best td')[0]).toBe('3 ★');
  expect(texts(parsed(page), '.epochs th')).toContain('validation top-5');
});

test('shows the configuration as text', () => {
  const rows = all(parsed(page), '.config tr').map((row) => [...texts(row, 'th'), ...texts(row, 'td')]);
  expect(rows).toEqual([
    ['dims', '[16,32]'],
    ['lr', '0.003'],
    ['data', '<shapes>'],
  ]);
});

test('compares runs, also without a complete epoch', () => {
  const both = curvesHtml(
    [
      { name: 'first', records: syntheticRun(2) },
      { name: '<second>', records: [stepRecord(1, 1)] },
    ],
    { title: 'A & B' },
  );
  expect(texts(parsed(both), 'h1')).toEqual(['A & B']);
  expect(texts(parsed(both), 'h2')).toEqual(['first', '<second>']);
  expect(both).toContain('No epoch was completed.');
});

test('shows a loss of NaN as text', () => {
  const broken = { loss: NaN, top1: 0.1, top5: 0.5 };
  const text = curvesHtml([{ name: 'run', records: [epochRecord(1, { train: broken })] }]);
  expect(texts(parsed(text), '.epochs td')).toContain('not a number');
  expect(text).not.toContain('NaN');
});

test('of two runs, shows only the options that differ', () => {
  const runs = [
    { name: 'first', records: syntheticRun(2), config },
    { name: 'second', records: syntheticRun(2), config: { ...config, lr: 0.01, seed: 3 } },
  ];
  const rowsOf = (html: string) =>
    all(parsed(html), '.config tbody tr').map((row) => [...texts(row, 'th'), ...texts(row, 'td')]);
  const compared = curvesHtml(runs);
  expect(rowsOf(compared)).toEqual([
    ['lr', '0.003', '0.01'],
    ['seed', '', '3'],
  ]);
  expect(texts(parsed(compared), '.config thead th')).toEqual(['option', 'first', 'second']);
  expect(compared).toContain('2 more options are the same in all runs; --all-options shows them.');
  const complete = curvesHtml(runs, { allOptions: true });
  expect(rowsOf(complete).map(([key]) => key)).toEqual(['dims', 'lr', 'data', 'seed']);
  expect(complete).not.toContain('more options are the same');
  // Equal runs have no table.
  const equal = curvesHtml([runs[0], { ...runs[0], name: 'again' }]);
  expect(rowsOf(equal)).toEqual([]);
  expect(equal).toContain('<p>3 options are the same in all runs;');
});

describe('data and backend', () => {
  const set = { images: 128, size: [32, 24], of: 'pixels', sha256: 'a623ea867ea4d92c8b58' };
  const data = {
    spec: 'shapes',
    limit: 128,
    val_limit: null,
    class_names: ['disc', 'ring'],
    train: set,
    held_out: null,
  };
  const runOf = (run: unknown) => ({ name: 'run', records: syntheticRun(2), config: { lr: 1, run } });
  const rowsOf = (...runs: unknown[]) =>
    all(parsed(curvesHtml(runs.map(runOf))), '.config tbody tr').map((row) => [
      ...texts(row, 'th'),
      ...texts(row, 'td'),
    ]);

  test('are options of a run', () => {
    expect(rowsOf({ backend: 'wasm plain', data, flags: {} })).toEqual([
      ['backend', 'wasm plain'],
      ['data', 'shapes'],
      ['limit', '128'],
      ['val_limit', 'null'],
      ['classes', '2: disc, ring'],
      ['training images', '128 of 32x24, sha256 a623ea867ea4'],
      ['held-out images', 'null'],
      ['lr', '1'],
    ]);
  });

  test('are shown where they differ', () => {
    const others = { ...data, spec: 'cifar10', class_names: ['cat', 'dog'], train: { ...set, sha256: '01' } };
    expect(rowsOf({ backend: 'wasm plain', data }, { backend: 'reference', data: others })).toEqual([
      ['backend', 'wasm plain', 'reference'],
      ['data', 'shapes', 'cifar10'],
      ['classes', '2: disc, ring', '2: cat, dog'],
      ['training images', '128 of 32x24, sha256 a623ea867ea4', '128 of 32x24, sha256 01'],
    ]);
  });

  test('of any form are accepted, and long values are cut', () => {
    expect(rowsOf(3)).toEqual([['lr', '1']]);
    expect(rowsOf({ backend: 'x', data: 4 }).slice(0, 1)).toEqual([['backend', 'x']]);
    expect(rowsOf({ data: { spec: 'x'.repeat(300), train: { images: 1, size: 2 } } })).toEqual([
      ['data', `${'x'.repeat(200)}…`],
      ['training images', '1 of 2'],
      ['lr', '1'],
    ]);
  });
});

test('can be read in print: dark colors are for screens, and tables are not cut', () => {
  const [, print] = page.split('@media print');
  expect(print).toContain('--background: #ffffff');
  expect(print).toContain('.scroll { overflow: visible; }');
});

test('leaves out top-5 of five classes, where it is always 1', () => {
  const sure = { loss: 1, top1: 0.5, top5: 1 };
  const pageOf = (validation: typeof sure) =>
    parsed(curvesHtml([{ name: 'run', records: [epochRecord(1, { train: sure, validation })] }]));
  const [without, withTop5] = [pageOf(sure), pageOf({ ...sure, top5: 0.99 })].map((page) => texts(page, 'body').join());
  expect(without).not.toContain('top-5');
  expect(without).toContain('validation top-1 50.00%');
  expect(withTop5).toContain('validation top-1 50.00%, top-5 99.00%');
});
