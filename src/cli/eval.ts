import { Command, Option } from 'commander';
import { DataError, ParamError } from '../core/errors.js';
import type { ImageSet, Split } from '../data/dataset.js';
import { findCifar10 } from '../data/find.js';
import { batchOf } from '../data/normalise.js';
import { openDataset } from '../data/open.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import { confusionCsv, confusionOf, confusionSvg, confusionTable, type Confusion } from '../report/confusion.js';
import { NOTHING, scoresOf, tally, type Scores } from '../train/scores.js';
import { integer } from './arguments.js';
import { backendOf, withBackend, type BackendOptions } from './backends.js';
import { percent, print, printJson } from './print.js';
import { CONFIG_HELP, readConfigFile } from './weights.js';

interface EvalOptions extends BackendOptions {
  readonly weights: string;
  readonly config?: string;
  readonly data?: string;
  readonly split: Split;
  readonly batchSize: number;
  readonly limit?: number;
  readonly confusion?: readonly string[];
  readonly json?: true;
}

interface Evaluation {
  readonly scores: Scores;
  readonly confusion: Confusion;
  readonly imagesPerSecond: number;
}

/** What a head must agree in with the data that it is held against. */
function checkClasses({ config }: Model, { classNames }: ImageSet, spec: string): void {
  if (config.num_classes !== classNames.length) {
    throw new ParamError({
      op: spec,
      expected: `the network's ${config.num_classes} classes`,
      got: `${classNames.length}`,
    });
  }
  const names = config.class_names;
  const other = names?.findIndex((name, i) => name !== classNames[i]) ?? -1;
  if (names !== null && other >= 0) {
    const got = `'${classNames[other]}'`;
    throw new ParamError({ op: `${spec}: class ${other}`, expected: `'${names[other]}', as the network has it`, got });
  }
}

const largest = (row: ArrayLike<number>): number => {
  let best = 0;
  for (let c = 1; c < row.length; c++) if (row[c] > row[best]) best = c;
  return best;
};

/** Cross-entropy of a row of logits against a class, in nats. */
function lossOf(row: ArrayLike<number>, target: number): number {
  const most = row[largest(row)];
  let sum = 0;
  for (let c = 0; c < row.length; c++) sum += Math.exp(row[c] - most);
  return Math.log(sum) + most - row[target];
}

async function evaluate(model: Model, set: ImageSet, batchSize: number, spec: string): Promise<Evaluation> {
  const { num_classes, mean, std } = model.config;
  const answers = new Int32Array(set.n);
  let [sum, milliseconds] = [NOTHING, 0];
  const terminal = process.stderr.isTTY;
  for (let first = 0; first < set.n; first += batchSize) {
    const n = Math.min(batchSize, set.n - first);
    const x = batchOf(
      set,
      Array.from({ length: n }, (_, i) => first + i),
      { mean, std },
    );
    const started = performance.now();
    const logits = await model.forward(x, n);
    milliseconds += performance.now() - started;
    const labels = set.labels.subarray(first, first + n);
    let loss = 0;
    for (let i = 0; i < n; i++) {
      const row = logits.subarray(i * num_classes, (i + 1) * num_classes);
      if (!row.every((value) => Number.isFinite(value))) {
        const got = row.find((value) => !Number.isFinite(value));
        throw new DataError({
          op: `${spec}: image ${first + i}`,
          expected: 'logits that are numbers',
          got: String(got),
        });
      }
      answers[first + i] = largest(row);
      loss += lossOf(row, labels[i]);
    }
    sum = tally(sum, loss / n, logits, labels);
    if (terminal) process.stderr.write(`\r\x1b[K${first + n}/${set.n} images`);
  }
  if (terminal) process.stderr.write('\r\x1b[K');
  return {
    scores: scoresOf(sum),
    confusion: confusionOf(set.labels, answers, set.classNames),
    imagesPerSecond: (1000 * set.n) / milliseconds,
  };
}

/** Written as its name says: .csv, .svg or .json. */
async function writeConfusion(path: string, confusion: Confusion): Promise<void> {
  const content = path.endsWith('.svg')
    ? confusionSvg(confusion)
    : path.endsWith('.csv')
      ? confusionCsv(confusion)
      : `${JSON.stringify(confusion)}\n`;
  await atomicWrite(path, content);
}

function show({ scores, confusion, imagesPerSecond }: Evaluation, n: number): void {
  print(`top-1  ${percent(scores.top1)}   top-5  ${percent(scores.top5)}   loss  ${scores.loss.toFixed(4)} nats`);
  print(`${n} images, ${imagesPerSecond.toFixed(0)} images/s in the network\n`);
  print(confusionTable(confusion));
}

async function run(options: EvalOptions): Promise<void> {
  for (const path of options.confusion ?? []) {
    if (!/\.(csv|svg|json)$/.test(path)) {
      throw new ParamError({ op: 'confusion', expected: 'a name that ends in .csv, .svg or .json', got: path });
    }
    await requireWritable(path, [options.weights]);
  }
  const config = options.config === undefined ? {} : { config: await readConfigFile(options.config) };
  const model = await loadModel(options.weights, { backend: backendOf(options), ...config });
  try {
    const spec = options.data ?? (await findCifar10()) ?? 'shapes';
    const { input_size, interpolation } = model.config;
    const n = options.limit === undefined ? {} : { n: options.limit };
    const set = await openDataset(spec, options.split, { size: input_size, interpolation, ...n });
    checkClasses(model, set, spec);
    const evaluation = await evaluate(model, set, options.batchSize, spec);
    for (const path of options.confusion ?? []) await writeConfusion(path, evaluation.confusion);
    if (options.json) {
      const { scores, confusion, imagesPerSecond: images_per_second } = evaluation;
      const per_class = Object.fromEntries(confusion.perClass.map((share, i) => [confusion.classNames[i], share]));
      printJson({ ...scores, images: set.n, images_per_second, per_class, confusion: confusion.counts });
    } else {
      show(evaluation, set.n);
    }
  } finally {
    model.dispose();
  }
}

export const evalCommand = (): Command =>
  withBackend(
    new Command('eval')
      .description('Measure a network on a data set: top-1, top-5, each class, and what is taken for what.')
      .requiredOption(
        '-w, --weights <file>',
        'weights (.safetensors), a file or URL; WebAssembly takes the fused form',
      ),
  )
    .option('-d, --data <what>', 'as in train: CIFAR-10 or -100, an image folder, or "shapes"')
    .addOption(new Option('--split <which>', 'which part of the data').choices(['train', 'test']).default('test'))
    .option('--batch-size <n>', 'images at a time', integer(1), 50)
    .option('--limit <n>', 'so many images only, evenly spread', integer(1))
    .option('--confusion <file...>', 'write the confusion matrix: .csv, .svg or .json')
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(run);
