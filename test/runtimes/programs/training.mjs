/** The training of each runtime: a few steps on images computed from integers. */
import { resolveConfig } from 'vanillanet';
import { oracleTrainer, train, wasmTrainer } from 'vanillanet/train';

const [N, SIDE, CLASSES] = [20, 16, 5];
const set = {
  images: Uint8Array.from({ length: N * 3 * SIDE * SIDE }, (_, i) => (i * i * 31 + (i >> 8) * 17) % 256),
  labels: Int32Array.from({ length: N }, (_, i) => i % CLASSES),
  ...{ n: N, channels: 3, height: SIDE, width: SIDE, classNames: ['a', 'b', 'c', 'd', 'e'] },
};
const config = resolveConfig({ dims: [4, 6], strides: [2], act_num: 1, num_classes: CLASSES, input_size: SIDE });
// Not Adam, which turns gradients that are only rounding errors into full steps.
const recipe = {
  ...{ epochs: 2, decayEpochs: 1, batchSize: 10, seed: 1, optimizer: 'sgd', lr: 0.01, momentum: 0.9 },
  ...{ mixup: 0.2, augment: { horizontalFlip: 0.5 } },
};

const TRAINERS = {
  oracle: oracleTrainer,
  wasm: (network, options) => wasmTrainer(network, { ...options, build: 'plain', threads: 1 }),
};

/** The final weights of each trainer, concatenated. */
export async function weightsOf(trainers) {
  const weights = {};
  for (const trainer of trainers) {
    const run = train({ train: set, validation: set }, config, recipe, { openTrainer: TRAINERS[trainer] });
    let next = await run.next();
    while (!next.done) next = await run.next();
    weights[trainer] = [...next.value.state.values()].flatMap(({ data }) => Array.from(data));
  }
  return weights;
}
