/**
 * Fine-tunes the network in the package, which knows the ten classes of CIFAR-10, on a folder of 200 pictures of four other
 * classes, in some seconds. In a built clone:
 *
 *     node --import ./scripts/ts-node.js examples/fineTune.ts
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { fitOptions, loadModel } from 'vanillanet';
import { drawShapes, openDataset, readImage, readWeights, writeWeights } from 'vanillanet/node';
import { fineTune, transferWeights, wasmTrainer } from 'vanillanet/train';

const CLASSES = ['ring', 'cross', 'triangle', 'checker'];
const PICTURES = 50;
const SIDE = 96;
const EPOCHS = 10;
const SEED = 1;
const FOLDER = process.argv[2] ?? 'data/fine-tune';
const WEIGHTS = fileURLToPath(new URL('../models/vanillanet-cifar10.safetensors', import.meta.url));

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** Draws pictures, and writes them as PNG files: pictures/<class>/<number>.png. Yours would be there already. */
async function drawPictures(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { images, labels, classNames, n } = drawShapes(10 * PICTURES, { size: SIDE, seed: SEED });
  const plane = SIDE * SIDE;
  for (let i = 0; i < n; i++) {
    const name = classNames[labels[i]];
    if (!CLASSES.includes(name)) continue;
    // From red, green and blue planes to pixels.
    const pixels = Uint8Array.from(
      { length: 3 * plane },
      (_, at) => images[(3 * i + (at % 3)) * plane + Math.floor(at / 3)],
    );
    await mkdir(join(folder, name), { recursive: true });
    const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, name, `${i}.png`));
  }
}

const pictures = join(FOLDER, 'pictures');
await drawPictures(pictures);

// Weights of this package; `vanillanet train --init` reads those of PyTorch and PaddlePaddle, too.
const weights = await readWeights(WEIGHTS);
const { size, ...fit } = fitOptions(weights.config);
const options = { size, ...fit, valSplit: 0.2, seed: SEED } as const;
const data = {
  train: await openDataset(pictures, 'train', options),
  validation: await openDataset(pictures, 'val', options),
};
print(
  `${data.train.n} pictures to train on, ${data.validation.n} held out; classes: ${data.train.classNames.join(', ')}`,
);

const { taken, redrawn } = transferWeights(weights, data.train.classNames);
print(
  `${taken.length} tensors of ${weights.config.form} weights are taken; drawn for the new classes: ${redrawn.join(', ')}`,
);

const run = fineTune(
  data,
  weights,
  {
    epochs: EPOCHS,
    batchSize: 16,
    lr: 5e-4,
    headLr: 5e-3, // the head is new
    freeze: ['stem', 'stages.0'], // edges and colors stay as they are
    augment: { horizontalFlip: 0.5 },
    seed: SEED,
  },
  { openTrainer: (network, trainer) => wasmTrainer(network, { ...trainer, threads: 'auto' }) },
);
let next = await run.next();
for (; next.done !== true; next = await run.next()) {
  const progress = next.value;
  if (progress.kind !== 'epoch') continue;
  const { epoch, train, validation } = progress;
  print(`epoch ${epoch}  loss ${train.loss.toFixed(3)}  held out ${percent(validation?.top1 ?? 0)}`);
}

const file = join(FOLDER, 'deploy.safetensors');
await writeWeights(file, next.value.state, next.value.config, { dtype: 'float32' });
const model = await loadModel(file);
const [{ label, probability }] = await model.classify(await readImage(join(pictures, 'ring', '1.png')));
model.dispose();
print(`pictures/ring/1.png: ${label} ${percent(probability)}`);
print(`The weights are in ${file}. The same on the command line:`);
print(
  `   npx vanillanet train --init models/vanillanet-cifar10.safetensors --data ${pictures} --val-split 0.2 ` +
    '--freeze stem,stages.0 --lr 5e-4 --head-lr 5e-3 -e 10 -b 16',
);
