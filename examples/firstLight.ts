/**
 * A tour of about a minute: classifies a photograph with the network in the package, then trains a narrow VanillaNet in its
 * deep form, fuses it into the shallow form, proves that both are equal, and classifies images that were held out.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadModel, planNetwork, resolveConfig, topK, wasmBackend, type FloatArray } from 'vanillanet';
import {
  findCifar10,
  fuseState,
  openDataset,
  prepareInputs,
  readImage,
  verifyFused,
  writeWeights,
} from 'vanillanet/node';
import { train, wasmTrainer } from 'vanillanet/train';

const EPOCHS = 8;
const TRAINING_IMAGES = 10_000;
const HELD_OUT = 500;
const SEED = 1;
const FOLDER = 'data/first-light';

const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};
const title = (number: number, text: string): void => {
  print(`\n${number}. ${text}\n`);
};
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const bar = (share: number): string => '█'.repeat(Math.round(10 * share)).padEnd(10, '░');

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

print('VanillaNet: deep in training, shallow in use.');

title(1, 'Classify a photograph with the network in the package');
const shipped = await loadModel(here('../models/vanillanet-cifar10.safetensors'));
const classifyStart = performance.now();
const predictions = await shipped.classify(await readImage(here('chelsea.png')));
print(
  `   Chelsea the cat, by Stéfan van der Walt (CC0); ${(performance.now() - classifyStart).toFixed(0)} ms with decoding`,
);
for (const { label, probability } of predictions)
  print(`   ${bar(probability)} ${percent(probability).padStart(6)}  ${label}`);
if (predictions[0].label !== 'cat') {
  print(
    '   Wrong: it is a cat. This network learned from pictures of 32x32 pixels, and is often wrong about photographs.',
  );
}
shipped.dispose();

const spec = (await findCifar10(['data', '../shared/data'])) ?? 'shapes';
title(2, `Train the deep form in WebAssembly: up to ${TRAINING_IMAGES} images, ${EPOCHS} epochs`);
print(
  spec === 'shapes'
    ? '   No CIFAR-10 in data/ (npx vanillanet download cifar10), so the images are drawn shapes of ten classes.'
    : `   The images are CIFAR-10: ${spec}`,
);
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
const training = train(
  { train: pictures, validation: heldOut },
  config,
  {
    epochs: EPOCHS,
    decayEpochs: EPOCHS / 2,
    batchSize: 32,
    augment: { randomCrop: { padding: 4 }, horizontalFlip: 0.5 },
    seed: SEED,
  },
  { openTrainer: (network, options) => wasmTrainer(network, { ...options, threads: 'auto' }) },
);
print('   λ fades every second ReLU into the identity: 0 is the ReLU, 1 the identity.');
let next = await training.next();
for (; next.done !== true; next = await training.next()) {
  const progress = next.value;
  const { epoch, lambda } = progress;
  const { loss, top1 } = progress.kind === 'step' ? progress : progress.train;
  // Prints the middle and the end of every epoch.
  if (progress.kind === 'step' && progress.step !== Math.floor(progress.steps / 2)) continue;
  const line = `   λ ${lambda.toFixed(2)} ${bar(lambda)}  epoch ${epoch}  loss ${loss.toFixed(3)}  accuracy ${percent(top1)}`;
  const validation = progress.kind === 'epoch' ? progress.validation : undefined;
  print(validation === undefined ? line : `${line}   held out ${percent(validation.top1)}`);
}
const { state, config: trainedConfig } = next.value;

title(3, 'Fuse: with λ = 1, consecutive convolutions become one');
const fused = fuseState(state, trainedConfig);
const layers = [trainedConfig, fused.config].map((form) => planNetwork(form, form.input_size));
const count = (key: 'parameters' | 'macs'): string =>
  layers.map((form) => form.reduce((sum, layer) => sum + layer[key], 0).toLocaleString('en-US')).join(' → ');
print(
  `   layers ${layers.map(({ length }) => length).join(' → ')}   parameters ${count('parameters')}   multiply-adds ${count('macs')}`,
);

title(4, 'Prove that fused = unfused');
const verified = await verifyFused(fused, wasmBackend);
const { maxDifference, maxLogit, float32Bound, float32FirstOrder } = fused.report;
print(`   largest logit                                  ${maxLogit.toPrecision(3)}`);
print(`   fused − unfused, both float64                  ${maxDifference.toExponential(1)}`);
print(`   fused in WebAssembly (float32) − unfused       ${verified.maxDifference.toExponential(1)}`);
print(`   first-order bound of the float32 error         ${float32FirstOrder.toExponential(1)}`);
print(
  `   worst-case bound of the float32 error          ${float32Bound.toExponential(1)}   ${verified.holds ? 'holds' : 'BROKEN'}`,
);

title(5, `Classify ${heldOut.n} held-out images in WebAssembly`);
await mkdir(FOLDER, { recursive: true });
await writeWeights(`${FOLDER}/train.safetensors`, state, trainedConfig);
await writeWeights(`${FOLDER}/deploy.safetensors`, fused.state, fused.config, { dtype: 'float32' });
const model = await loadModel(await readFile(`${FOLDER}/deploy.safetensors`));
const pixels = await prepareInputs(heldOut, [...Array(heldOut.n).keys()], model.config);
const start = performance.now();
const logits = await model.forward(pixels, heldOut.n);
const milliseconds = performance.now() - start;
model.dispose();
const classes = config.num_classes;
const logitsOf = (i: number): FloatArray => logits.subarray(i * classes, (i + 1) * classes);
const best = Array.from({ length: heldOut.n }, (_, i) => topK(logitsOf(i), 1, config.class_names)[0]);
const right = best.filter(({ index }, i) => index === heldOut.labels[i]).length;
for (let i = 0; i < heldOut.n; i += Math.ceil(heldOut.n / 6)) {
  const { label, probability, index } = best[i];
  const truth = heldOut.classNames[heldOut.labels[i]];
  print(
    `   ${index === heldOut.labels[i] ? '✓' : '✗'} ${label.padEnd(16)} ${percent(probability).padStart(6)}   truth: ${truth}`,
  );
}
print(
  `   ${percent(right / heldOut.n)} correct (chance: ${percent(1 / classes)}), ${(milliseconds / heldOut.n).toFixed(2)} ms an image`,
);

print(`\nThe weights are in ${FOLDER}. Next steps:`);
print('   npx vanillanet classify examples/chelsea.png --weights models/vanillanet-cifar10.safetensors');
print(`   npx vanillanet summary --weights ${FOLDER}/train.safetensors`);
print('   npx vanillanet --help');
if (!verified.holds) process.exitCode = 1;
