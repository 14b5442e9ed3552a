/** The text and JSON of a comparison. */
import { expect, test } from '@jest/globals';
import { comparisonJson, formatVerdict, noteLines, verdictLine } from '../../src/cli/diffTable.js';
import type { LayerVerdict, Verdict, Worst } from '../../src/diff/comparison.js';

const measures = { maxAbs: 0.25, relative: 1e-7, ulps: 1234, angle: 0 };
const worst: Worst = { at: [0, 2], got: 1.5, exact: 1.25, error: 0.25, bound: 0.5, ratio: 0.5 };
const layer: LayerVerdict = {
  ...{ layer: 'stem', op: 'conv', from: 'input', shape: [1, 3], local: measures, worst },
  ...{ outside: 0, unjudged: 0, global: null },
};
const wrong: LayerVerdict = {
  ...layer,
  ...{ layer: 'stages.0', outside: 2, unjudged: 1, global: { ...measures, ulps: Infinity, relative: 5 } },
  worst: { ...worst, error: 3, bound: 0, ratio: Infinity },
};
const verdict: Verdict = {
  backend: 'wasm',
  first: null,
  worst: layer,
  missing: [],
  unknown: [],
  layers: [layer],
  heatMap: null,
};
const failed: Verdict = { ...verdict, first: 'stages.0', worst: wrong, layers: [layer, wrong] };

test('a verdict names the first layer outside its bound, or the one nearest to it', () => {
  expect(verdictLine(verdict)).toBe('every layer is within its bound; the largest ratio is 0.500, in stem');
  expect(verdictLine({ ...verdict, worst: null })).toBe('every layer is within its bound; nothing differs');
  expect(verdictLine(failed)).toBe(
    'stages.0 is the first layer outside its bound, in 2 elements of [1,3]: ' +
      '1.5 at [0,2], expected 1.25 (float64), error 3.00, bound 0',
  );
  const one = { ...failed, layers: [{ ...wrong, outside: 1 }] };
  expect(verdictLine(one)).toContain('in 1 element of');
});

test('notes list what was not judged', () => {
  expect(noteLines(verdict)).toEqual([]);
  expect(noteLines({ ...failed, missing: ['a', 'b'], unknown: ['c', 'd'], layers: [wrong, layer, wrong] })).toEqual([
    'no output, so their errors count in the next layer: a, b',
    'not a layer of this network: c, d',
    'computed from NaN or infinity, not judged: stages.0, stages.0',
  ]);
});

test('the table has a row a layer, with the difference to the other output if there is one', () => {
  const text = formatVerdict(failed, 'reference');
  const [title, empty, head, first, second, gap, line, note] = text.split('\n');
  expect(title).toBe('wasm: each layer on its own input | difference to reference');
  expect([empty, gap]).toEqual(['', '']);
  expect(head.trim().split(/\s+/)).toEqual([
    ...['layer', 'error', 'relative', 'ULPs', '1-cosine', 'worst', 'bound', 'ratio', '|'],
    ...['error', 'relative', 'ULPs', '1-cosine'],
  ]);
  expect(first.trim().split(/\s+/)).toEqual([
    ...['stem', '0.250', '1.00e-7', '1,234', '0', '0.250', '0.500', '0.500', '|'],
  ]);
  expect(second.trim().split(/\s+/)).toEqual([
    ...['stages.0', '0.250', '1.00e-7', '1,234', '0', '3.00', '0', 'Infinity', '<-', 'outside', '|'],
    ...['0.250', '5.00', '∞', '0'],
  ]);
  expect(line).toBe(verdictLine(failed));
  expect(note).toBe('computed from NaN or infinity, not judged: stages.0');
});

test('JSON has the same numbers, and whether each backend holds', () => {
  const { to, backends } = comparisonJson({
    to: 'reference',
    verdicts: [verdict, { ...failed, missing: ['m'] }],
  });
  const numbers = { max_abs: 0.25, relative: 1e-7, ulps: 1234, cosine: 1, one_minus_cosine: 0 };
  const row = { layer: 'stem', op: 'conv', from: 'input', shape: [1, 3], outside: 0, unjudged: 0, worst, to: null };
  expect(to).toBe('reference');
  expect(backends).toEqual([
    {
      ...{ backend: 'wasm', holds: true, first: null, worst: 'stem', missing: [], unknown: [] },
      layers: [{ ...row, ...numbers }],
    },
    {
      ...{ backend: 'wasm', holds: false, first: 'stages.0', worst: 'stages.0', missing: ['m'], unknown: [] },
      layers: [
        { ...row, ...numbers },
        {
          ...{ ...row, ...numbers, layer: 'stages.0', outside: 2, unjudged: 1, worst: wrong.worst },
          to: { ...numbers, ulps: Infinity, relative: 5 },
        },
      ],
    },
  ]);
  expect(comparisonJson({ to: 'x', verdicts: [{ ...verdict, worst: null }] }).backends[0].worst).toBeNull();
  const apart = { ...layer, local: { ...measures, angle: 0.25 } };
  const [turned] = comparisonJson({ to: 'x', verdicts: [{ ...verdict, layers: [apart] }] }).backends[0].layers;
  expect([turned.cosine, turned.one_minus_cosine]).toEqual([0.75, 0.25]);
});
