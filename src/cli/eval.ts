import { Presets, SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { extname } from 'node:path';
import { DataError, ParamError } from '../core/errors.js';
import type { ModelConfig } from '../core/config.js';
import type { ImageSet, Split } from '../data/dataset.js';
import { batchOf } from '../data/normalise.js';
import { openDataset } from '../data/open.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import { confusionCsv, confusionOf, confusionTable, mistakes, type Confusion } from '../report/confusion.js';
import { rankOf } from '../train/scores.js';
import { integer } from './arguments.js';
import { backendOf, withBackend, type BackendOptions } from './backends.js';
import { fileOf } from './plot.js';
import { percent, print, printJson } from './print.js';
import { CONFIG_HELP, readConfigFile } from './weights.js';

interface EvalOptions extends BackendOptions {
  readonly weights: string;
  readonly data: string;
  readonly split: Split;
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

/** Names that fill a line say no more than the first few. */
const some = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');

/** A network that was made for other classes or images would answer all the same, and wrongly. */
function requireFit(set: ImageSet, { num_classes, class_names, in_chans }: ModelConfig, data: string): void {
  if (set.channels !== in_chans) {
    throw new ParamError({ op: data, expected: `images of ${in_chans} channels`, got: `${set.channels}` });
  }
  if (set.classNames.length !== num_classes) {
    const got = `${set.classNames.length} (${some(set.classNames)})`;
    throw new ParamError({ op: data, expected: `${num_classes} classes, as the network has`, got });
  }
  const odd = class_names?.findIndex((name, i) => name !== set.classNames[i]) ?? -1;
  if (class_names !== null && odd >= 0) {
    const expected = `the network's classes, '${class_names[odd]}' as class ${odd}`;
    throw new ParamError({ op: data, expected, got: `'${set.classNames[odd]}'` });
  }
}

/** A bar while a terminal shows it. */
function counter(total: number): SingleBar {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: '{bar} {value}/{total} images  {eta_formatted} left',
      barsize: 24,
      clearOnComplete: true,
      gracefulExit: false,
      linewrap: true,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return bar;
}

/** −log softmax, by the largest logit, so that nothing overflows. */
function crossEntropy(row: readonly number[], label: number): number {
  const largest = Math.max(...row);
  return Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0)) + largest - row[label];
}

async function answer(model: Model, set: ImageSet, { batchSize, top }: EvalOptions): Promise<Answers> {
  const { mean, std, num_classes } = model.config;
  const dtype = model.backend === 'reference' ? 'float64' : 'float32';
  const predictions = new Int32Array(set.n);
  let [loss, among, ms] = [0, 0, 0];
  const bar = counter(set.n);
  try {
    for (let from = 0; from < set.n; from += batchSize) {
      const count = Math.min(batchSize, set.n - from);
      const positions = Array.from({ length: count }, (_, i) => from + i);
      const begin = performance.now();
      const logits = await model.forward(batchOf(set, positions, { mean, std, dtype }), count);
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
      bar.update(from + count);
    }
  } finally {
    bar.stop();
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
  const { weights, data, split, top, limit, seed } = options;
  if (options.confusion !== undefined) await requireWritable(options.confusion, [weights, data]);
  const config = options.config === undefined ? {} : { config: await readConfigFile(options.config) };
  const model = await loadModel(weights, { backend: await backendOf(options), ...config });
  try {
    const { input_size, interpolation } = model.config;
    const opening = { size: input_size, interpolation, seed, ...(limit === undefined ? {} : { n: limit }) };
    const set = await openDataset(data, split, opening);
    requireFit(set, model.config, data);
    const { predictions, loss, topK, imagesPerSecond } = await answer(model, set, options);
    const confusion = confusionOf(set.labels, predictions, set.classNames);
    if (options.confusion !== undefined) {
      const content = await fileContent(confusion, options.confusion, `${weights} on ${data}, ${split}`);
      await atomicWrite(options.confusion, content);
    }
    if (options.json) {
      printJson({
        weights,
        data,
        split,
        ...asJson(confusion),
        // Where k is 1 this is the same number under the same name.
        [`top${top}`]: topK,
        loss,
        images_per_second: imagesPerSecond,
      });
      return;
    }
    print(`${weights} on ${data}, ${split}: ${set.n} images, ${set.classNames.length} classes`);
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
      .requiredOption('-w, --weights <file>', 'weights (.safetensors); WebAssembly takes the fused form')
      .requiredOption('-d, --data <what>', 'CIFAR-10 (archive or folder), an image folder, or "shapes"'),
    '--backend <name>',
  )
    .addOption(new Option('-s, --split <split>', 'which images').choices(['train', 'test']).default('test'))
    .option('-b, --batch-size <n>', 'images a call', integer(1), 100)
    .option('-t, --top <k>', 'also count as right what is among the k most probable', integer(1), 5)
    .option('-n, --limit <n>', 'look at so many images only, evenly spread', integer(1))
    .option('--seed <n>', 'seed of drawn shapes', integer(0), 0)
    .option('--confusion <file>', 'write the confusion matrix (.csv, .svg, .json)', fileOf('.csv', '.svg', '.json'))
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(evaluate);
