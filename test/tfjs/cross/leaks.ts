/** Runs a network a thousand times, and calls every method as often: the memory of TensorFlow.js must not grow. */
import { resolveConfig } from '../../../src/core/config.js';
import { OPTIMIZERS } from '../../../src/core/optimizer.js';
import { streamOf } from '../../../src/core/weights.js';
import type { Tf } from '../../../src/tfjs/tf.js';
import { drawState } from '../../wasm/networks.js';
import type { EngineUnderTest } from './engine.js';
import { imagesFor, targetsFor } from './inputs.js';
import type { Network } from './networks.js';
import { failed, type Row } from './row.js';

const RUNS = 1000;
/** One round of all calls for so many runs. */
const RUNS_PER_ROUND = 25;

/** As small as possible. */
const SIZES = {
  ...{ dims: [1, 2], strides: [1], num_classes: 2, in_chans: 1, act_num: 1, input_size: 8, drop_rate: 0.3 },
};
export const [TRAIN, DEPLOY] = (['train', 'deploy'] as const).map((form) => ({
  label: `tiny, the ${form} form`,
  config: resolveConfig({ ...SIZES, form, lambda: form === 'train' ? 0.25 : 1 }),
  n: 2,
}));

type Call = readonly [name: string, run: () => unknown];

/** Calls on an open session or training. */
export interface Calls {
  readonly calls: readonly Call[];
  readonly dispose: () => void;
}

export async function sessionCalls({ tf, parts }: EngineUnderTest, network: Network): Promise<Calls> {
  const { config, n } = network;
  const backend = parts.backend.createTfjsBackend(tf);
  const open = () => backend.open(streamOf(drawState(config)), config);
  const session = await open();
  const { data: x } = imagesFor(network);
  return {
    calls: [
      [
        'open',
        async () => {
          (await open()).dispose();
        },
      ],
      ['forward', () => session.forward(x, n)],
      ['features', () => session.features(x, n, ['stages.0'])],
      ['layers', () => session.layers(x, n)],
    ],
    dispose: () => {
      session.dispose();
    },
  };
}

const STEP = { lr: 1e-4, weightDecay: 0.1, momentum: 0.9 };

export async function trainingCalls({ tf, parts }: EngineUnderTest, network: Network): Promise<Calls> {
  const { config } = network;
  const [state, x, q] = [drawState(config), imagesFor(network).data, targetsFor(network).data];
  const backend = parts.backend.createTfjsBackend(tf);
  // One training for each optimizer, because moments belong to one kind.
  const trainings = await Promise.all(
    OPTIMIZERS.map(async (kind) => ({ kind, training: await backend.train(state, config, { ema: true }) })),
  );
  const [{ training }] = trainings;
  await training.pass(x, q, 0.25);
  const resume = await training.snapshot();
  return {
    calls: [
      [
        'train',
        async () => {
          (await backend.train(state, config)).dispose();
        },
      ],
      [
        'train, resumed',
        async () => {
          (await backend.train(resume.state, config, { ema: true, resume })).dispose();
        },
      ],
      ...trainings.map(({ kind, training: each }): Call => [
        `pass, optimize by ${kind}`,
        async () => {
          await each.pass(x, q, 0.25);
          await each.optimize({ kind, ...STEP });
        },
      ]),
      [
        'a pass with NaN',
        () =>
          training.pass(
            x.map(() => NaN),
            q,
            0.25,
          ),
      ],
      ['pass', () => training.pass(x, q, 0.25)],
      ['ema', () => training.ema(0.9)],
      ['evaluate', () => training.evaluate(x, q, 0.25)],
      ['evaluate the average', () => training.evaluate(x, q, 0.25, { useEma: true })],
      ['state', () => training.state()],
      ['emaState', () => training.emaState()],
      ['gradients', () => training.gradients()],
      ['optimizerState', () => training.optimizerState()],
      ['snapshot', () => training.snapshot()],
    ],
    dispose: () => {
      for (const { training: each } of trainings) each.dispose();
    },
  };
}

/** TensorFlow.js' own account of its memory. */
export function memoryOf(tf: Tf): string {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return `${numTensors} tensors, ${numDataBuffers} buffers, ${numBytes} bytes`;
}

/** Repeats the calls in rounds. The memory must not grow after the first round. */
async function row(
  { tf }: EngineUnderTest,
  { label }: Network,
  rounds: number,
  open: () => Promise<Calls>,
): Promise<Row> {
  const before = memoryOf(tf);
  const { calls, dispose } = await open();
  const check = calls.length === 1 ? `${rounds} times ${calls[0][0]}` : `${rounds * calls.length} calls`;
  const round = async (): Promise<void> => {
    for (const [, run] of calls) await run();
  };
  await round();
  const first = memoryOf(tf);
  for (let i = 1; i < rounds; i++) await round();
  const last = memoryOf(tf);
  dispose();
  const end = memoryOf(tf);
  const at = `${before}, then ${first}, then ${last}, finally ${end}`;
  return first === last && end === before
    ? { check, network: label, worst: 0, ok: true, at }
    : failed(check, label, at);
}

/** For each form: a thousand runs, then rounds of all calls. */
export async function leakRows(engine: EngineUnderTest, canTrain: boolean, runs = RUNS): Promise<Row[]> {
  const rows: Row[] = [];
  for (const network of [DEPLOY, TRAIN]) {
    const forward = async (): Promise<Calls> => {
      const { calls, dispose } = await sessionCalls(engine, network);
      return { calls: calls.filter(([name]) => name === 'forward'), dispose };
    };
    rows.push(await row(engine, network, runs, forward));
    rows.push(await row(engine, network, Math.ceil(runs / RUNS_PER_ROUND), () => sessionCalls(engine, network)));
    if (canTrain)
      rows.push(await row(engine, network, Math.ceil(runs / RUNS_PER_ROUND), () => trainingCalls(engine, network)));
  }
  return rows;
}
