/** Which tensors stay as they are in a training, by the names of parts. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig, type Form } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { checkFreeze, frozenTensors, keepsStatistics } from '../../src/core/freeze.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { refusal } from '../io/refusal.js';

const configOf = (form: Form) => resolveConfig({ dims: [4, 6, 8], strides: [2, 1], num_classes: 3, act_num: 1, form });
const train = configOf('train');
const deploy = configOf('deploy');
const namesOf = (config: typeof train, pattern: RegExp): string[] =>
  [...parameterShapes(config).keys()].filter((name) => pattern.test(name));
const frozen = (freeze: readonly string[], config = train): string[] => [...frozenTensors(freeze, config)];

describe('frozenTensors', () => {
  test.each([
    [['stem'], /^stem/],
    [['stages.0'], /^stages\.0\./],
    [['stages.1', 'stem'], /^(stem|stages\.1)/],
    [['stages'], /^stages/],
    [['backbone'], /^(stem|stages)/],
    [['backbone', 'stem', 'bn'], /^(stem|stages)/],
    [['stem', 'stages'], /^(stem|stages)/],
    [['head'], /^cls/],
    [['stages', 'head'], /^(stages|cls)/],
    [['bn'], /^(stem|stages).*\.(running_mean|running_var|num_batches_tracked)$/],
    [['bn', 'stages.0'], /^(stages\.0\.|(stem|stages).*\.(running_mean|running_var|num_batches_tracked)$)/],
    [['bn', 'head'], /^(cls|(stem|stages).*\.(running_mean|running_var|num_batches_tracked)$)/],
  ])('%j in the train form', (freeze, pattern) => {
    const names = namesOf(train, pattern);
    expect(names.length).toBeGreaterThan(0);
    expect(frozen(freeze)).toEqual(names);
  });

  test.each([
    [['stem'], /^stem\./],
    [['backbone'], /^(stem|stages)\./],
    [['head'], /^cls\./],
    [['stages.1'], /^stages\.1\./],
  ])('%j in the deploy form', (freeze, pattern) => {
    expect(frozen(freeze, deploy)).toEqual(namesOf(deploy, pattern));
  });

  test('no parts are no tensors', () => {
    expect([frozen([]), frozen([], deploy)]).toEqual([[], []]);
  });

  test('a stage that the network does not have is refused', () => {
    const none = refusal(ParamError, 'freeze', 'a stage of the network, stages.0 to stages.1', 'stages.2');
    expect(() => frozen(['stages.2'])).toThrow(none);
    expect(frozen(['stages.1']).length).toBeGreaterThan(0);
  });

  test.each([[['backbone', 'head']], [['stem', 'stages', 'head', 'bn']], [['stem', 'stages.0', 'stages.1', 'head']]])(
    '%j leaves nothing to train',
    (freeze) => {
      const nothing = refusal(ParamError, 'freeze', 'a part that is left to train', `${freeze.join(', ')}: the whole`);
      expect(() => frozen(freeze)).toThrow(nothing);
      expect(() => frozen(freeze)).toThrow(expect.objectContaining({ hint: 'Freeze fewer parts.' }));
    },
  );

  test('the deploy form has no batch norms', () => {
    const none = refusal(ParamError, 'freeze', 'a network with batch norms', 'bn with the deploy form');
    expect(() => frozen(['stem', 'bn'], deploy)).toThrow(none);
    expect(() => frozen(['bn'], deploy)).toThrow(expect.objectContaining({ hint: 'Omit bn.' }));
  });
});

describe('checkFreeze', () => {
  test.each([[[]], [['bn', 'stages.12']], [['backbone', 'stem', 'stages', 'head']]])('%j', (freeze) => {
    expect(checkFreeze(freeze)).toBe(freeze);
  });

  test.each([
    ['stm', '"stem"'],
    ['backbon', '"backbone"'],
    ['stage.0', '"stages.0"'],
    ['heads', '"head"'],
  ])('%s is near %s', (part, nearest) => {
    const unknown = refusal(ParamError, 'freeze', 'backbone, stem, stages, head, bn or stages.0, stages.1, …', part);
    expect(() => checkFreeze(['stem', part])).toThrow(unknown);
    expect(() => checkFreeze([part])).toThrow(expect.objectContaining({ hint: `Did you mean ${nearest}?` }));
  });

  test.each([['xyzzy'], ['stages.-1'], ['stages.01'], ['stages.0.conv1'], [''], [1], [null]])(
    '%j is no part',
    (part) => {
      expect(() => checkFreeze([part])).toThrow(ParamError);
    },
  );

  test('a part that is near none has no hint', () => {
    expect(() => checkFreeze(['xyzzy'])).toThrow(/, got "xyzzy"$/);
    expect(() => checkFreeze([1])).toThrow(/, got 1$/);
  });

  test.each(['stem', { 0: 'stem' }, null, undefined])('%j is no list', (value) => {
    expect(() => checkFreeze(value)).toThrow(refusal(ParamError, 'freeze', 'a list of parts', ''));
  });
});

test('a batch norm keeps its statistics if they are frozen', () => {
  const kept = (freeze: readonly string[]): boolean[] =>
    ['stem1.1', 'stages.0.act.bn', 'cls1.3'].map((norm) => keepsStatistics(frozenTensors(freeze, train), norm));
  expect(kept(['stem'])).toEqual([true, false, false]);
  expect(kept(['bn'])).toEqual([true, true, false]);
  expect(kept(['head'])).toEqual([false, false, true]);
});
