/** The training of each runtime: a few steps on images computed from integers. */
import { createWasmBackend, Model, resolveConfig } from 'vanillanet';
import { drawShapes, fuseState, oracleTrainer, train, wasmTrainer } from 'vanillanet/train';

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

/** The logits of drawn shapes by a trained network after its fusion. */
async function logitsAfterFusion({ state, config: trained }) {
  const fused = fuseState(state, trained);
  const model = await Model.open(fused.state, fused.config, createWasmBackend({ build: 'plain' }));
  const { images, n } = drawShapes(4, { size: SIDE, seed: 3 });
  const plane = SIDE * SIDE;
  const pixels = Array.from({ length: n }, (_, i) => {
    const data = new Uint8Array(3 * plane);
    for (let p = 0; p < 3 * plane; p++) data[3 * (p % plane) + Math.floor(p / plane)] = images[3 * plane * i + p];
    return { data, width: SIDE, height: SIDE };
  });
  const logits = await model.forward(pixels);
  model.dispose();
  return Array.from(logits);
}

/** The final weights of each trainer, concatenated; and the logits of the network that the engine trained. */
export async function weightsOf(trainers) {
  const weights = {};
  for (const trainer of trainers) {
    const run = train({ train: set, validation: set }, config, recipe, { openTrainer: TRAINERS[trainer] });
    let next = await run.next();
    while (!next.done) next = await run.next();
    if (trainer === 'wasm') weights.fused = await logitsAfterFusion(next.value);
    weights[trainer] = [...next.value.state.values()].flatMap(({ data }) => Array.from(data));
  }
  return weights;
}
