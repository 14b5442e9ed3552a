import type { Comparison, LayerVerdict } from '../../src/diff/comparison.js';

const MEASURES = { maxAbs: 1.25e-6, relative: 3.5e-7, ulps: 12, angle: 2e-13 };

const verdictOf = (layer: string, ratio: number): LayerVerdict => ({
  ...{ layer, op: 'conv', from: null, shape: [1, 4, 2, 2], local: MEASURES, unjudged: 0, global: MEASURES },
  worst: { at: [0, 1, 0, 1], got: 1.5, exact: 1.25, error: ratio * 1e-6, bound: 1e-6, ratio },
  outside: ratio > 1 ? 3 : 0,
});

/** Two backends: one within its bounds, one with a layer outside. */
export function comparisonOf(): Comparison {
  const good = [verdictOf('stem.conv', 0.2), verdictOf('stages.0.conv', 0.6), verdictOf('cls.2', 0)];
  const bad = [verdictOf('stem.conv', 0.3), verdictOf('stages.0.conv', 40), verdictOf('cls.2', 0.9)];
  const heatMap = {
    ...{ layer: 'stages.0.conv', image: 0, channel: 1, height: 2, width: 2 },
    errors: Float64Array.of(0, 1e-6, 4e-5, NaN),
    bounds: Float64Array.of(1e-6, 1e-6, 1e-6, 1e-6),
  };
  const rest = { missing: ['stages.0.act'], unknown: ['aux'] };
  return {
    to: 'wasm',
    verdicts: [
      { backend: 'wasm', layers: good, first: null, worst: good[1], heatMap: null, ...rest },
      { backend: 'torch.dump', layers: bad, first: 'stages.0.conv', worst: bad[1], heatMap, ...rest },
    ],
  };
}
