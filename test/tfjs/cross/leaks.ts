/** A thousand runs, after which no tensor is left that was not there before. */
import { resolveConfig } from '../../../src/core/config.js';
import { streamOf } from '../../../src/core/weights.js';
import { drawState } from '../../wasm/networks.js';
import type { EngineUnderTest } from './engine.js';
import { imagesFor, sharesFor } from './given.js';
import type { Network } from './networks.js';
import { failed, type Row } from './row.js';

const RUNS = 1000;

/** As little to compute as there can be. */
const SIZES = { dims: [1, 2], strides: [1], num_classes: 2, in_chans: 1, act_num: 1, input_size: 8 };
const [TRAIN, DEPLOY] = (['train', 'deploy'] as const).map((form) => ({
  label: `tiny, the ${form} form`,
  config: resolveConfig({ ...SIZES, form, lambda: form === 'train' ? 0.25 : 1 }),
  n: 2,
}));

/** Tensors after the first run, after the last, and when all is disposed of. */
function row(check: string, { label }: Network, before: number, [first, last, end]: readonly number[]): Row {
  const at = `${before} tensors, then ${first}, ${last} and ${end}`;
  return first === last && end === before
    ? { check, network: label, worst: 0, ok: true, at }
    : failed(check, label, at);
}

async function runs({ tf, parts }: EngineUnderTest, network: Network, times: number): Promise<Row> {
  const before = tf.memory().numTensors;
  const { config, n } = network;
  const session = await parts.backend.createTfjsBackend(tf).open(streamOf(drawState(config)), config);
  const { data: x } = imagesFor(network);
  const counts: number[] = [];
  for (let i = 0; i < times; i++) {
    await session.forward(x, n);
    counts.push(tf.memory().numTensors);
  }
  session.dispose();
  return row(`${times} runs`, network, before, [counts[0], counts[times - 1], tf.memory().numTensors]);
}

async function steps({ tf, parts }: EngineUnderTest, network: Network, times: number): Promise<Row> {
  const before = tf.memory().numTensors;
  const { config } = network;
  const training = await parts.backend.createTfjsBackend(tf).train(drawState(config), config, { ema: true });
  const [x, q] = [imagesFor(network).data, sharesFor(network).data];
  const counts: number[] = [];
  for (let i = 0; i < times; i++) {
    await training.pass(x, q, 0.25);
    await training.optimise({ kind: 'adam', lr: 1e-4 });
    await training.ema(0.9);
    counts.push(tf.memory().numTensors);
  }
  training.dispose();
  return row(`${times} steps`, network, before, [counts[0], counts[times - 1], tf.memory().numTensors]);
}

/** Steps take longer than runs, and are fewer: what leaks does so every time. */
export async function leakRows(engine: EngineUnderTest, trains: boolean, times = RUNS): Promise<Row[]> {
  const rows = [await runs(engine, DEPLOY, times), await runs(engine, TRAIN, Math.ceil(times / 50))];
  if (!trains) return rows;
  for (const network of [DEPLOY, TRAIN]) rows.push(await steps(engine, network, Math.ceil(times / 50)));
  return rows;
}
