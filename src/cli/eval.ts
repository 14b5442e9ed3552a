import { Command, Option } from 'commander';
import { extname } from 'node:path';
import { DataError } from '../core/errors.js';
import { checkDataset } from '../data/sets/classes.js';
import type { DataSet, FolderSplit } from '../data/sets/dataset.js';
import { batchOf } from '../data/sets/batchOf.js';
import { openDataset } from '../data/sets/open.js';
import { loadSubset } from '../data/sets/loadSubset.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import { confusionCsv, confusionOf, confusionTable, mistakes, type Confusion } from '../report/confusion.js';
import { crossEntropy, rankOf } from '../train/scores.js';
import { integer, number } from './arguments.js';
import { backendOf, withBackend, type BackendOptions } from './backends.js';
import { countDisplay, type Count } from './countBar.js';
import { readJsonObject } from './jsonFile.js';
import { fileOf } from './plot.js';
import { percent, print, printJson } from './print.js';
import { SHIPPED_HELP, weightsOr } from './shippedModel.js';
import { CONFIG_HELP } from './weights.js';

interface EvalOptions extends BackendOptions {
  readonly weights?: string;
  readonly data: string;
  readonly split: FolderSplit;
  readonly valSplit?: number;
  readonly batchSize: number;
  readonly top: number;
  readonly limit?: number;
  readonly seed: number;
  readonly confusion?: string;
  readonly config?: string;
  readonly json?: true;
}

/** What a network makes of a set. */
interface Answers {
  readonly predictions: Int32Array;
  /** Cross-entropy in nats, averaged over the images. */
  readonly loss: number;
  /** Share of the images whose class is among the k most probable. */
  readonly topK: number;
  readonly imagesPerSecond: number;
}

/** A bar on a terminal, or some lines; of JSON, nothing else. */
const counted = (what: string, json: true | undefined): Count =>
  countDisplay({
    what,
    line: (text) => {
      if (!json) print(text);
    },
  });

async function answer(model: Model, set: DataSet, { batchSize, top, json }: EvalOptions): Promise<Answers> {
  const { mean, std, num_classes } = model.config;
  const dtype = model.backend === 'reference' ? 'float64' : 'float32';
  const predictions = new Int32Array(set.n);
  let [loss, among, ms] = [0, 0, 0];
  const count = counted('images', json);
  try {
    for (let from = 0; from < set.n; from += batchSize) {
      const n = Math.min(batchSize, set.n - from);
      const positions = Array.from({ length: n }, (_, i) => from + i);
      const part = await loadSubset(set, positions);
      const x = batchOf(part, [...part.labels.keys()], { mean, std, dtype });
      const begin = performance.now();
      const logits = await model.forward(x, n);
      ms += performance.now() - begin;
      for (const image of positions) {
        const row = Array.from(logits.subarray((image - from) * num_classes, (image - from + 1) * num_classes));
        const odd = row.findIndex((v) => !Number.isFinite(v));
        if (odd >= 0) {
          const got = `${row[odd]} for class ${odd} of image ${image} (${set.classNames[set.labels[image]]})`;
          throw new DataError({ op: 'eval', expected: 'finite logits', got });
        }
        const label = set.labels[image];
        predictions[image] = row.indexOf(Math.max(...row));
        loss += crossEntropy(row, label);
        if (rankOf(row, label) < top) among++;
      }
      count.show(from + n, set.n);
    }
  } finally {
    count.end();
  }
  return { predictions, loss: loss / set.n, topK: among / set.n, imagesPerSecond: (1000 * set.n) / ms };
}

/** A class without images has no share: NaN, which JSON writes as null. */
const asJson = ({ classNames, counts, perClass, accuracy, total }: Confusion) => ({
  top1: accuracy,
  images: total,
  class_names: classNames,
  per_class: Object.fromEntries(perClass.map((share, i) => [classNames[i], share])),
  confusion: counts,
});

async function fileContent(confusion: Confusion, path: string, title: string): Promise<string> {
  const ending = extname(path).toLowerCase();
  if (ending === '.csv') return confusionCsv(confusion);
  if (ending === '.json')
    return `${JSON.stringify(asJson(confusion))}
`;
  // What draws takes a third of a second to load: only those who want a picture wait for it.
  const { confusionSvg } = await import('../report/confusionSvg.js');
  return confusionSvg(confusion, { title });
}

async function evaluate(options: EvalOptions): Promise<void> {
  const { data, split, valSplit, top, limit, seed } = options;
  const weights = weightsOr(options.weights, (text) => {
    if (!options.json) print(text);
  });
  if (options.confusion !== undefined) await requireWritable(options.confusion, [weights, data]);
  const config = options.config === undefined ? {} : { config: await readJsonObject(options.config) };
  const model = await loadModel(weights, { backend: await backendOf(options), ...config });
  try {
    const { input_size, interpolation } = model.config;
    const count = counted('images opened', options.json);
    // Each image is looked at once: there is nothing to gain by keeping them.
    const set = await openDataset(data, split, {
      ...{ size: input_size, interpolation, seed, cache: 'none' },
      ...(limit === undefined ? {} : { n: limit }),
      ...(valSplit === undefined ? {} : { valSplit }),
      onProgress: (done, total) => {
        count.show(done, total);
      },
    }).finally(() => {
      count.end();
    });
    checkDataset(set, model.config, data);
    if (set.n === 0) throw new DataError({ op: data, expected: `images of the split ${split}`, got: 'none' });
    const which = set.splitSource === 'whole' ? 'all' : split;
    const { predictions, loss, topK, imagesPerSecond } = await answer(model, set, options);
    const confusion = confusionOf(set.labels, predictions, set.classNames);
    if (options.confusion !== undefined) {
      const content = await fileContent(confusion, options.confusion, `${weights} on ${data}, ${which}`);
      await atomicWrite(options.confusion, content);
    }
    if (options.json) {
      printJson({
        weights,
        data,
        split: which,
        ...asJson(confusion),
        // Where k is 1 this is the same number under the same name.
        [`top${top}`]: topK,
        loss,
        images_per_second: imagesPerSecond,
      });
      return;
    }
    print(`${weights} on ${data}, ${which}: ${set.n} images, ${set.classNames.length} classes`);
    print(`top-1 ${percent(confusion.accuracy)}  top-${top} ${percent(topK)}  loss ${loss.toFixed(4)} nats`);
    print(`${imagesPerSecond.toFixed(0)} images/s by ${model.backend}\n`);
    print(confusionTable(confusion));
    for (const { label, prediction, count } of mistakes(confusion, 1)) {
      print(`\nmost frequent mistake: ${label} taken for ${prediction}, ${count} times`);
    }
    if (options.confusion !== undefined) print(`\nwrote ${options.confusion}`);
  } finally {
    model.dispose();
  }
}

export const evalCommand = (): Command =>
  withBackend(
    new Command('eval')
      .description('Measure a network on a data set: accuracy, loss, and which classes it takes for which.')
      .option('-w, --weights <file>', `weights (.safetensors); WebAssembly takes the fused form (${SHIPPED_HELP})`)
      .requiredOption(
        '-d, --data <what>',
        'CIFAR-10 or -100 (archive, folder, "cifar10" or "cifar100"), an image folder, or "shapes"',
      ),
    '--backend <name>',
  )
    .addOption(
      new Option('-s, --split <split>', 'which images; all of them where an image folder has no such folders')
        .choices(['train', 'val', 'test'])
        .default('test'),
    )
    .option(
      '--val-split <share>',
      'of an image folder without val/ or test/, those that train held out by this share',
      number(0, 1),
    )
    .option('-b, --batch-size <n>', 'images a call', integer(1), 100)
    .option('-t, --top <k>', 'also count as right what is among the k most probable', integer(1), 5)
    .option('-n, --limit <n>', 'look at so many images only, evenly spread', integer(1))
    .option('--seed <n>', 'seed of drawn shapes, and of what --val-split draws', integer(0), 0)
    .option('--confusion <file>', 'write the confusion matrix (.csv, .svg, .json)', fileOf('.csv', '.svg', '.json'))
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(evaluate);
