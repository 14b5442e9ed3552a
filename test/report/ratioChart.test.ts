import { expect, test } from '@jest/globals';
import { ratioChart } from '../../src/report/ratioChart.js';
import { LIGHT } from '../../src/report/svg.js';
import { comparisonOf } from './syntheticComparison.js';
import { all, parsed, texts } from './syntheticRun.js';

const chart = parsed(ratioChart(comparisonOf().verdicts, { width: 900, palette: LIGHT }));

test('only dots outside of their bounds are red', () => {
  const dots = all(chart, 'g[data-mark="dot"] path, g[data-mark="dot"] circle');
  expect(dots).toHaveLength(6);
  const colors = dots.map((dot) => dot.getAttribute('fill'));
  expect(colors.filter((color) => color === LIGHT.bad)).toHaveLength(1);
  expect(colors.filter((color) => color === LIGHT.compared[0])).toHaveLength(3);
  expect(colors.filter((color) => color === LIGHT.compared[1])).toHaveLength(2);
  expect(LIGHT.compared).not.toContain(LIGHT.bad);
});

test('the legend names the backends and the mark', () => {
  expect(texts(chart, 'text').slice(0, 3)).toEqual(['wasm', 'torch.dump', 'outside its bound']);
});
