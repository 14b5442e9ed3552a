/** A thousand runs, after which no tensor is left that was not there before. */
import type { ModelConfig } from '../../../src/core/config.js';
import { resolveConfig } from '../../../src/core/config.js';
import { streamOf } from '../../../src/core/weights.js';
import { drawState } from '../../wasm/networks.js';
import type { EngineUnderTest } from './engine.js';
import { imagesFor, sharesFor } from './given.js';
import { failed, type Row } from './row.js';

const RUNS = 1000;

/** As little to compute as there can be. */
const TINY: ModelConfig = resolveConfig({
  dims: [1, 2],
  strides: [1],
  num_classes: 2,
  in_chans: 1,
  act_num: 1,
  input_size: 8,
  form: 'train',
  lambda: 0.25,
});

const NETWORK = { label: 'tiny', config: TINY, n: 2 };

export async function leakRows({ tf, parts }: EngineUnderTest, trains: boolean): Promise<Row[]> {
  const [x, q] = [imagesFor(NETWORK).data, sharesFor(NETWORK).data];
  const backend = parts.backend.createTfjsBackend(tf);
  const state = drawState(TINY);
  const count = (): number => tf.memory().numTensors;
  const before = count();
  const row = (check: string, after: readonly number[]): Row => {
    const wrong = after.find((tensors, i) => tensors !== (i === after.length - 1 ? before : after[0]));
    const at = `${before} tensors, then ${after.join(', ')}`;
    return wrong === undefined ? { check, network: NETWORK.label, worst: 0, ok: true, at } : failed(check, 'tiny', at);
  };

  const rows: Row[] = [];
  const session = await backend.open(streamOf(state), TINY);
  await session.forward(x, 2);
  const first = count();
  for (let i = 1; i < RUNS; i++) await session.forward(x, 2);
  const last = count();
  session.dispose();
  rows.push(row(`${RUNS} runs`, [first, last, count()]));
  if (!trains) return rows;

  const training = await backend.train(state, TINY);
  const once = async (): Promise<void> => {
    await training.pass(x, q, 0.25);
    await training.optimise({ kind: 'adam', lr: 1e-4 });
  };
  await once();
  const begun = count();
  for (let i = 1; i < RUNS; i++) await once();
  const ended = count();
  training.dispose();
  rows.push(row(`${RUNS} steps`, [begun, ended, count()]));
  return rows;
}
