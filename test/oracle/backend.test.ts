import { describe, expect, test } from '@jest/globals';
import { config as oracleConfig, forward, ParamError, tensor, valuesOf } from '../../reference/index.js';
import { resolveConfig, type Form } from '../../src/core/config.js';
import { BackendUnavailableError } from '../../src/core/errors.js';
import { streamOf } from '../../src/core/weights.js';
import { referenceBackend, toOracleConfig } from '../../src/oracle/backend.js';
import { forwardTraining } from '../../src/oracle/forwardTraining.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';

test('toOracleConfig keeps all keys that the reference has', () => {
  // No value is the default.
  const sizes = { dims: [3, 5], strides: [2], ada_pool: [4], article_stem: true, in_chans: 2, num_classes: 7 };
  const input = { ...sizes, act_num: 0, drop_rate: 0.25, form: 'deploy' } as const;
  expect(toOracleConfig(resolveConfig(input))).toEqual(oracleConfig(input));
});

describe.each<Form>(['train', 'deploy'])('the %s form', (form) => {
  test('has the logits of the reference, bit for bit', async () => {
    for (const overrides of [
      { lambda: 0 },
      { lambda: 0.25 },
      { ada_pool: [3, 0] },
      { ada_pool: [3, 0], article_stem: true },
    ]) {
      const config = drawnConfig(form, overrides);
      const state = drawnState(config);
      const { data, shape } = drawnImages(config, 2);
      const session = await referenceBackend.open(streamOf(state), config);
      const mode = { training: false, lambda: config.lambda ?? undefined };
      const { logits } = forward(toOracleConfig(config), stateToOracle(state), tensor(data, shape), mode);
      expect(await session.forward(data, 2)).toEqual(valuesOf(logits));
    }
  });
});

const config = drawnConfig('train', { lambda: 0.25 });
const { data, shape } = drawnImages(config, 2);

test('logits depend on λ and on the statistics of the batch', async () => {
  const state = drawnState(config);
  const evaluate = async (lambda: number): Promise<number[]> => [
    ...(await (await referenceBackend.open(streamOf(state), { ...config, lambda })).forward(data, 2)),
  ];
  const evaluations = [await evaluate(0), await evaluate(0.25), await evaluate(1)];
  const inTraining = [...forwardTraining(state, config, { data, shape })];
  expect(new Set([...evaluations, inTraining].map((logits) => logits.join())).size).toBe(4);
});

test('weights are copied: later changes have no effect', async () => {
  const state = drawnState(config);
  const session = await referenceBackend.open(streamOf(state), config);
  const before = await session.forward(data, 2);
  for (const { data: weights } of state.values()) weights.fill(0);
  expect(await session.forward(data, 2)).toEqual(before);
});

test('without λ the train form is refused with the name of the layer that needs it', async () => {
  const withoutLambda = { ...config, lambda: null };
  const session = await referenceBackend.open(streamOf(drawnState(config)), withoutLambda);
  await expect(session.forward(data, 2)).rejects.toThrow(ParamError);
  await expect(session.forward(data, 2)).rejects.toThrow(
    'stem1.leaky: expected lambda in [0, 1] for the train form, got no lambda',
  );
  expect(() => forwardTraining(drawnState(config), withoutLambda, { data, shape })).toThrow(ParamError);
});

test('the deploy form needs no λ', async () => {
  const deploy = drawnConfig('deploy', { lambda: null });
  const session = await referenceBackend.open(streamOf(drawnState(deploy)), deploy);
  expect(await session.forward(data, 2)).toHaveLength(10);
});

test('training mode requires more than one value per channel', () => {
  const one = drawnImages(config, 1);
  expect(() => forwardTraining(drawnState(config), config, one)).toThrow('batch');
});

test('calls after dispose are refused', async () => {
  const session = await referenceBackend.open(streamOf(drawnState(config)), config);
  session.dispose();
  session.dispose();
  await expect(session.forward(data, 2)).rejects.toThrow(
    refusal(BackendUnavailableError, 'reference', 'an open session', 'a disposed session'),
  );
});
