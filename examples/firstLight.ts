/**
 * In about a minute: the network that comes with the package says what is on a
 * photograph; then a narrow VanillaNet is trained in its deep form, fused into the shallow
 * one, proved equal, and classifies images that the training never saw.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadModel, planNetwork, resolveConfig, topK, wasmBackend, type FloatArray } from 'vanillanet';
import { batchOf, findCifar10, fuseState, openDataset, readImage, verifyFused, writeWeights } from 'vanillanet/node';
import { train, wasmTrainer } from 'vanillanet/train';

const EPOCHS = 8;
const TRAINING_IMAGES = 10_000;
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

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

say('VanillaNet: deep while it learns, shallow when it works.');

title(1, 'See: a photograph, and the network that comes with the package');
const shipped = await loadModel(here('../models/vanillanet-cifar10.safetensors'));
const seenAt = performance.now();
const seen = await shipped.classify(await readImage(here('chelsea.png')));
say(`   Chelsea the cat, by Stéfan van der Walt (CC0); ${(performance.now() - seenAt).toFixed(0)} ms with decoding`);
for (const { label, probability } of seen) say(`   ${bar(probability)} ${percent(probability).padStart(6)}  ${label}`);
shipped.dispose();

const spec = (await findCifar10(['data', '../shared/data'])) ?? 'shapes';
title(2, `Train the deep form in WebAssembly: up to ${TRAINING_IMAGES} images, ${EPOCHS} times`);
say(
  spec === 'shapes'
    ? '   No CIFAR-10 in data/ (npx vanillanet download cifar10), so the pictures are drawn: shapes of ten kinds.'
    : `   The pictures are CIFAR-10: ${spec}`,
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
say('   λ blends every second activation away: 0 is ReLU, 1 is nothing at all.');
let next = await training.next();
for (; next.done !== true; next = await training.next()) {
  const progress = next.value;
  const { epoch, lambda } = progress;
  const { loss, top1 } = progress.kind === 'step' ? progress : progress.train;
  // The middle of an epoch, and its end.
  if (progress.kind === 'step' && progress.step !== Math.floor(progress.steps / 2)) continue;
  const told = `   λ ${lambda.toFixed(2)} ${bar(lambda)}  epoch ${epoch}  loss ${loss.toFixed(3)}  accuracy ${percent(top1)}`;
  const held = progress.kind === 'epoch' ? progress.validation : undefined;
  say(held === undefined ? told : `${told}   held out ${percent(held.top1)}`);
}
const { state, config: trained } = next.value;

title(3, 'Fuse: λ is 1, so convolutions in a row are one');
const fused = fuseState(state, trained);
const layers = [trained, fused.config].map((form) => planNetwork(form, form.input_size));
const count = (key: 'parameters' | 'macs'): string =>
  layers.map((form) => form.reduce((sum, layer) => sum + layer[key], 0).toLocaleString('en-US')).join(' → ');
say(
  `   layers ${layers.map(({ length }) => length).join(' → ')}   parameters ${count('parameters')}   multiply-adds ${count('macs')}`,
);

title(4, 'Prove it: fused = unfused');
const verified = await verifyFused(fused, wasmBackend);
const { maxDifference, maxLogit, float32Bound, float32FirstOrder } = fused.report;
say(`   largest logit                                  ${maxLogit.toPrecision(3)}`);
say(`   fused − unfused, both float64                  ${maxDifference.toExponential(1)}`);
say(`   fused in WebAssembly (float32) − unfused       ${verified.maxDifference.toExponential(1)}`);
say(`   what float32 should stay within (first order)  ${float32FirstOrder.toExponential(1)}`);
say(
  `   what float32 can differ by at the very worst   ${float32Bound.toExponential(1)}   ${verified.holds ? 'holds' : 'BROKEN'}`,
);

title(5, `Work: WebAssembly classifies ${heldOut.n} images it never saw`);
await mkdir(FOLDER, { recursive: true });
await writeWeights(`${FOLDER}/train.safetensors`, state, trained);
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
say('   npx vanillanet classify examples/chelsea.png --weights models/vanillanet-cifar10.safetensors');
say(`   npx vanillanet summary --weights ${FOLDER}/train.safetensors`);
say('   npx vanillanet --help');
if (!verified.holds) process.exitCode = 1;
