/**
 * From pictures to an answer in about a minute: trains a narrow VanillaNet in its
 * deep form, fuses it into the shallow one, proves the two equal, and lets
 * WebAssembly classify images the training never saw.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { loadModel, planNetwork, resolveConfig, topK, wasmBackend, type FloatArray } from 'vanillanet';
import { batchOf, findCifar10, fuseState, openDataset, train, verifyFused, writeWeights } from 'vanillanet/node';

const EPOCHS = 3;
const TRAINING_IMAGES = 2500;
const HELD_OUT = 500;
const SEED = 1;
const FOLDER = 'data/first-light';

const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};
const title = (number: number, text: string): void => {
  say(`\n${number}. ${text}\n`);
};
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const bar = (share: number): string => '█'.repeat(Math.round(10 * share)).padEnd(10, '░');

const spec = (await findCifar10(['data', '../shared/data'])) ?? 'shapes';
say('VanillaNet: deep while it learns, shallow when it works.');
say(
  spec === 'shapes'
    ? 'No CIFAR-10 in data/ (or VANILLANET_DATA), so the pictures are drawn: shapes of ten kinds.'
    : `The pictures are CIFAR-10: ${spec}`,
);

title(1, `Train the deep form (float64, the oracle): ${TRAINING_IMAGES} images, ${EPOCHS} times`);
const pictures = await openDataset(spec, 'train', { n: TRAINING_IMAGES, seed: SEED });
const heldOut = await openDataset(spec, 'test', { n: HELD_OUT, seed: SEED });
const config = resolveConfig({
  dims: [16, 32, 64],
  strides: [2, 2],
  num_classes: pictures.classNames.length,
  class_names: pictures.classNames,
  input_size: [32, 32],
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
});
const training = train(pictures, heldOut, config, {
  epochs: EPOCHS,
  decayEpochs: EPOCHS - 1,
  lambdaSchedule: 'linear',
  batchSize: 32,
  lr: 3e-3,
  weightDecay: 1e-5,
  smoothing: 0.1,
  seed: SEED,
});
say('   λ blends every second activation away: 0 is ReLU, 1 is nothing at all.');
let next = training.next();
for (; !next.done; next = training.next()) {
  const { epoch, step, steps, lambda, loss, accuracy, validation } = next.value;
  if (step !== steps && step % Math.ceil(steps / 3) !== 0) continue;
  const seen = `   λ ${lambda.toFixed(2)} ${bar(lambda)}  epoch ${epoch}  loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}`;
  say(validation === undefined ? seen : `${seen}   held out ${percent(validation.accuracy)}`);
}
const trained = { ...config, lambda: 1 };

title(2, 'Fuse: λ is 1, so convolutions in a row are one');
const fused = fuseState(next.value, trained);
const layers = [trained, fused.config].map((form) => planNetwork(form, form.input_size));
const count = (key: 'parameters' | 'macs'): string =>
  layers.map((form) => form.reduce((sum, layer) => sum + layer[key], 0).toLocaleString('en-US')).join(' → ');
say(
  `   layers ${layers.map(({ length }) => length).join(' → ')}   parameters ${count('parameters')}   multiply-adds ${count('macs')}`,
);

title(3, 'Prove it: fused = unfused');
const verified = await verifyFused(fused, wasmBackend);
const { maxDifference, maxLogit, float32Bound, float32FirstOrder } = fused.report;
say(`   largest logit                                  ${maxLogit.toPrecision(3)}`);
say(`   fused − unfused, both float64                  ${maxDifference.toExponential(1)}`);
say(`   fused in WebAssembly (float32) − unfused       ${verified.maxDifference.toExponential(1)}`);
say(`   what float32 should stay within (first order)  ${float32FirstOrder.toExponential(1)}`);
say(
  `   what float32 can differ by at the very worst   ${float32Bound.toExponential(1)}   ${verified.holds ? 'holds' : 'BROKEN'}`,
);

title(4, `Work: WebAssembly classifies ${heldOut.n} images it never saw`);
await mkdir(FOLDER, { recursive: true });
await writeWeights(`${FOLDER}/train.safetensors`, next.value, trained);
await writeWeights(`${FOLDER}/deploy.safetensors`, fused.state, fused.config, { dtype: 'float32' });
const model = await loadModel(await readFile(`${FOLDER}/deploy.safetensors`));
const pixels = batchOf(heldOut, [...Array(heldOut.n).keys()], config);
const started = performance.now();
const logits = await model.forward(pixels, heldOut.n);
const milliseconds = performance.now() - started;
model.dispose();
const classes = config.num_classes;
const logitsOf = (i: number): FloatArray => logits.subarray(i * classes, (i + 1) * classes);
const best = Array.from({ length: heldOut.n }, (_, i) => topK(logitsOf(i), 1, config.class_names)[0]);
const right = best.filter(({ index }, i) => index === heldOut.labels[i]).length;
for (let i = 0; i < heldOut.n; i += Math.ceil(heldOut.n / 6)) {
  const { label, probability, index } = best[i];
  const truth = heldOut.classNames[heldOut.labels[i]];
  say(
    `   ${index === heldOut.labels[i] ? '✓' : '✗'} ${label.padEnd(16)} ${percent(probability).padStart(6)}   really: ${truth}`,
  );
}
say(
  `   ${percent(right / heldOut.n)} right (guessing: ${percent(1 / classes)}), ${(milliseconds / heldOut.n).toFixed(2)} ms an image`,
);

say(`\nThe weights are in ${FOLDER}. Go on:`);
say(`   npx vanillanet classify PICTURE.png --weights ${FOLDER}/deploy.safetensors`);
say(`   npx vanillanet summary --weights ${FOLDER}/train.safetensors`);
say('   npx vanillanet --help');
if (!verified.holds) process.exitCode = 1;
