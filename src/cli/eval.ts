import { Command, Option } from 'commander';
import { extname } from 'node:path';
import { DataError } from '../core/errors.js';
import { checkDataset } from '../data/sets/classes.js';
import type { DataSet, FolderSplit } from '../data/sets/dataset.js';
import { openDataset } from '../data/sets/open.js';
import { prepareInputs } from '../data/sets/prepareInputs.js';
import { fitOptions } from '../image/preprocess.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import type { Model } from '../model/model.js';
import { confusionCsv, confusionOf, confusionTable, mistakes, type Confusion } from '../report/confusion.js';
import { crossEntropy, rankOf } from '../train/scores.js';
import { formatPercent } from '../report/percent.js';
import { integer, numberIn } from './arguments.js';
import { openBackend, withBackend, type BackendOptions } from './backends.js';
import { countDisplay, type Count } from './countBar.js';
import { fileArgument } from './plot.js';
import { outputColumns, print, printBlock, printJson } from './print.js';
import { setLogits } from './setLogits.js';
import { recognitionOptions, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { nameDataFlags } from './trainingData.js';
import { weightsOrShipped, WEIGHTS_HELP } from './shippedModel.js';
import { loadNetwork } from './weights.js';

interface EvalOptions extends BackendOptions, RecognitionFlags {
  readonly weights?: string;
  readonly data: string;
  readonly split: FolderSplit;
  readonly valSplit?: number;
  readonly batchSize: number;
  readonly top: number;
  readonly limit?: number;
  readonly seed: number;
  readonly confusion?: string;
  readonly json?: true;
}

/** The scores of a network on a data set. */
interface Evaluation {
  readonly predictions: Int32Array;
  /** Cross-entropy in nats, averaged over the images. */
  readonly loss: number;
  /** Share of the images whose class is among the k most probable. */
  readonly topK: number;
  readonly imagesPerSecond: number;
}

/** Shows a bar on a terminal, else prints lines; with --json, prints no lines. */
const openCount = (what: string, json: true | undefined): Count =>
  countDisplay({
    what,
    line: (text) => {
      if (!json) print(text);
    },
  });

/** Runs the network on all images, in batches. */
async function evaluate(model: Model, set: DataSet, { batchSize, top, json }: EvalOptions): Promise<Evaluation> {
  const { num_classes: classes } = model.config;
  const predictions = new Int32Array(set.n);
  let [loss, correctTopK, ms] = [0, 0, 0];
  const count = openCount('images', json);
  try {
    for (let from = 0; from < set.n; from += batchSize) {
      const n = Math.min(batchSize, set.n - from);
      const positions = Array.from({ length: n }, (_, i) => from + i);
      const x = await prepareInputs(set, positions, model.config);
      const begin = performance.now();
      const logits = await setLogits('eval', model, { set, positions, x });
      ms += performance.now() - begin;
      for (const image of positions) {
        const row = logits.subarray((image - from) * classes, (image - from + 1) * classes);
        const values = Array.from(row);
        const label = set.labels[image];
        predictions[image] = values.indexOf(Math.max(...values));
        loss += crossEntropy(values, label);
        if (rankOf(values, label) < top) correctTopK++;
      }
      count.show(from + n, set.n);
    }
  } finally {
    count.end();
  }
  return { predictions, loss: loss / set.n, topK: correctTopK / set.n, imagesPerSecond: (1000 * set.n) / ms };
}

/** Opens the images, which `prepareInputs` scales and crops if they are not in files. */
async function openSet(model: Model, options: EvalOptions): Promise<DataSet> {
  const { data, split, valSplit, limit, seed } = options;
  const count = openCount('images opened', options.json);
  // No cache, because each image is read once.
  const set = await openDataset(data, split, {
    ...{ ...fitOptions(model.config), seed, cache: 'none', keepOriginalSize: true },
    ...(limit === undefined ? {} : { n: limit }),
    ...(valSplit === undefined ? {} : { valSplit, requireValSplit: true }),
    onProgress: (done, total) => {
      count.show(done, total);
    },
  })
    .catch((error: unknown) => {
      throw nameDataFlags(error);
    })
    .finally(() => {
      count.end();
    });
  checkDataset(set, model.config, data);
  if (set.n === 0) throw new DataError({ op: data, expected: `images of the split ${split}`, got: 'none' });
  return set;
}

/** The confusion matrix as JSON, which has null for the accuracy of a class without images. */
const confusionJson = ({ classNames, counts, perClass, accuracy, total }: Confusion) => ({
  top1: accuracy,
  images: total,
  class_names: classNames,
  per_class: Object.fromEntries(perClass.map((share, i) => [classNames[i], share])),
  confusion: counts,
});

/** The confusion matrix in the format that the file name's ending names. */
async function formatConfusion(confusion: Confusion, path: string, title: string): Promise<string> {
  const ending = extname(path).toLowerCase();
  if (ending === '.csv') return confusionCsv(confusion);
  if (ending === '.json') return `${JSON.stringify(confusionJson(confusion))}\n`;
  // Imported here, because the drawing code takes a third of a second to load.
  const { confusionSvg } = await import('../report/confusionSvg.js');
  return confusionSvg(confusion, { title });
}

/** What the results are of. */
interface Subject {
  readonly weights: string;
  readonly data: string;
  /** The split, or `all` for an image folder without splits. */
  readonly split: string;
  readonly backend: string;
}

/** Top-k of as many classes as there are says nothing. */
const topKText = (k: number, share: number, classes: number): string =>
  k < classes ? `  top-${k} ${formatPercent(share)}` : '';

function printResults(subject: Subject, evaluation: Evaluation, confusion: Confusion, top: number): void {
  const { loss, topK, imagesPerSecond } = evaluation;
  const { accuracy, total, classNames } = confusion;
  print(`${subject.weights} on ${subject.data}, ${subject.split}: ${total} images, ${classNames.length} classes`);
  const second = topKText(top, topK, classNames.length);
  print(`top-1 ${formatPercent(accuracy)}${second}  loss ${loss.toFixed(4)} nats`);
  print(`${imagesPerSecond.toFixed(0)} images/s by ${subject.backend}`);
  print('');
  printBlock(confusionTable(confusion, outputColumns()));
  for (const { label, prediction, count } of mistakes(confusion, 1)) {
    print('');
    print(`most frequent mistake: ${label} predicted as ${prediction}, ${count} times`);
  }
}

async function run(options: EvalOptions): Promise<void> {
  const { data, split, top, json, confusion: confusionFile } = options;
  const weights = await weightsOrShipped(options.weights, (text) => {
    if (!json) print(text);
  });
  if (confusionFile !== undefined) await requireWritable(confusionFile, [weights, data]);
  const recognition = await recognitionOptions(options);
  const model = await loadNetwork(weights, { ...recognition, backend: await openBackend(options) });
  try {
    const set = await openSet(model, options);
    const subject = { weights, data, split: set.splitSource === 'whole' ? 'all' : split, backend: model.backend };
    const evaluation = await evaluate(model, set, options);
    const confusion = confusionOf(set.labels, evaluation.predictions, set.classNames);
    if (confusionFile !== undefined) {
      const title = `${weights} on ${data}, ${subject.split}`;
      await atomicWrite(confusionFile, await formatConfusion(confusion, confusionFile, title));
    }
    if (json) {
      const { topK, loss, imagesPerSecond } = evaluation;
      // With --top 1, top1 stands there twice with the same value.
      const scores = { [`top${top}`]: topK, loss, images_per_second: imagesPerSecond };
      printJson({ weights, data, split: subject.split, ...confusionJson(confusion), ...scores });
      return;
    }
    printResults(subject, evaluation, confusion, top);
    if (confusionFile === undefined) return;
    print('');
    print(`wrote ${confusionFile}`);
  } finally {
    model.dispose();
  }
}

export const evalCommand = (): Command =>
  withRecognition(
    withBackend(
      new Command('eval')
        .description('Measure accuracy, loss and confusion of a network on a data set.')
        .option('-w, --weights <file>', WEIGHTS_HELP)
        .requiredOption(
          '-d, --data <what>',
          'data set: cifar10, cifar100, shapes, or the path of an archive or folder',
        ),
      '--backend <name>',
    ),
  )
    .addOption(
      new Option('-s, --split <split>', 'split, or all if there is none')
        .choices(['train', 'val', 'test'])
        .default('test'),
    )
    .option(
      '--val-split <share>',
      'share that train held out of a folder without val/ or test/',
      numberIn({ min: 0, below: 1 }),
    )
    .option('-b, --batch-size <n>', 'images a call', integer(1), 100)
    .option('-t, --top <k>', 'also report top-k accuracy', integer(1), 5)
    .option('-n, --limit <n>', 'use this many images, evenly spread', integer(1))
    .option('--seed <n>', 'seed of shapes and of --val-split', integer(0), 0)
    .option('--confusion <file>', 'write the confusion matrix', fileArgument('.csv', '.svg', '.json'))
    .option('--json', 'print JSON')
    .action(run);
