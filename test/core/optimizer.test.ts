/** The settings of a step that do not depend on a backend: defaults and layer decay. */
import { expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { layerId, layerScale, OPTIMIZERS, resolveStep } from '../../src/core/optimizer.js';
import { refusal } from '../io/refusal.js';

test.each(OPTIMIZERS)('defaults of %s: only LAMB leaves biases and norms without weight decay', (kind) => {
  expect(resolveStep({ kind, lr: 0.1 })).toEqual({
    ...{ kind, lr: 0.1, weightDecay: 0, betas: [0.9, 0.999], eps: 1e-8, momentum: 0, nesterov: false, layerDecay: 1 },
    decayVectors: kind !== 'lamb',
    headLr: 0.1,
  });
  expect(resolveStep({ kind, lr: 0.1, decayVectors: kind === 'lamb' }).decayVectors).toBe(kind === 'lamb');
});

test('layers are counted from the stem, 0, over the stages to the head', () => {
  const names = [
    'stem1.0.weight',
    'stem.0.bias',
    'stages.0.conv1.0.weight',
    'stages.3.act.weight',
    'cls1.2.bias',
    'cls.2.bias',
  ];
  expect(names.map((name) => layerId(name, 4))).toEqual([0, 0, 1, 4, 5, 5]);
  expect(layerId('stages.10.act.weight', 11)).toBe(11);
});

test('layer decay: d^(L + 1 − id), 1 for the head', () => {
  // The official LayerDecayValueAssigner for 4 stages.
  expect([0, 1, 2, 3, 4, 5].map((id) => layerScale(0.5, id, 4))).toEqual([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]);
  expect([0, 3].map((id) => layerScale(1, id, 2))).toEqual([1, 1]);
});

test('values out of range, and unknown ones, are refused', () => {
  const resolve = (more: object) => () => resolveStep({ kind: 'adam', lr: 0.1, ...more });
  expect(resolve({ lr: -1 })).toThrow(refusal(ParamError, 'lr', 'a number >= 0', '-1'));
  expect(resolve({ eps: NaN })).toThrow(refusal(ParamError, 'eps', 'a number >= 0', 'NaN'));
  expect(resolve({ betas: [0.9, 1] })).toThrow(refusal(ParamError, 'betas', 'a number in [0, 1)', '1'));
  expect(resolve({ layerDecay: 0 })).toThrow(refusal(ParamError, 'layerDecay', 'a number > 0', '0'));
  expect(resolve({ nesterov: true })).toThrow(refusal(ParamError, 'nesterov', 'a momentum > 0', '0'));
  expect(resolve({ kind: 'adamax' })).toThrow(refusal(ParamError, 'optimizer', 'adam, adamw, sgd, lamb', 'adamax'));
  expect(resolve({ weight_decay: 1 })).toThrow(
    refusal(ParamError, 'optimizer.weight_decay', 'weightDecay', 'an unknown key'),
  );
});
