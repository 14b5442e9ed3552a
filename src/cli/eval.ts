import { Command, Option } from 'commander';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { isFileUrl, isUrl } from '../io/location.js';
import { pathOf } from '../io/openFile.js';
import type { Model } from '../model/model.js';
import { confusionCsv, confusionOf, confusionTable, mistakes, type Confusion } from '../report/confusion.js';
import { formatPercent } from '../report/percent.js';
import { integer, numberIn, size } from './arguments.js';
import { openBackend, withBackend, type BackendOptions } from './backends.js';
import { countDisplay, type Count } from './countBar.js';
import { preparationOf, preparationText, PROTOCOLS, type Preparation, type Protocol } from './evalProtocol.js';
import { digestOf, evaluate, type Evaluation } from './evalRun.js';
import { openEvalSet, type EvalDataOptions, type EvalSet } from './evalSet.js';
import { fileSha256 } from './fileSha256.js';
import { fileArgument } from './plot.js';
import { checkNew, PredictionsCsv, type EvalSettings } from './predictionsCsv.js';
import { outputColumns, print, printBlock, printJson } from './print.js';
import { recognitionOptions, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { weightsOrShipped, WEIGHTS_HELP } from './shippedModel.js';
import { loadNetwork } from './weights.js';

interface EvalOptions extends BackendOptions, RecognitionFlags, EvalDataOptions {
  readonly weights?: string;
  readonly protocol: Protocol;
  readonly inputSize?: Size;
  readonly cropPct?: number;
  readonly batchSize: number;
  readonly top: number;
  readonly csv?: string;
  readonly resume?: true;
  readonly confusion?: string;
  readonly json?: true;
}

/** Shows a bar on a terminal, else prints lines; with --json, prints no lines. */
const openCount = (what: string, json: true | undefined): Count =>
  countDisplay({
    what,
    line: (text) => {
      if (!json) print(text);
    },
  });

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
  /** The split, or `all` for images without splits. */
  readonly split: string;
  readonly backend: string;
  readonly preparation: Preparation;
  readonly csv?: string;
}

/** Beyond so many images, a tenth of a percent is many of them. */
const MANY = 10_000;

/** Top-k of as many classes as there are says nothing. */
const topKText = (k: number, share: (value: number) => string, value: number, classes: number): string =>
  k < classes ? `  top-${k} ${share(value)}` : '';

/** Classes of a matrix that --json prints: that of ImageNet would be a million lines, and --confusion writes it. */
const LARGEST_JSON_MATRIX = 100;

/** Names of damaged images that are listed. */
const LISTED = 5;

function listDamaged(damaged: readonly string[]): string {
  const more = damaged.length > LISTED ? ` and ${damaged.length - LISTED} more` : '';
  return `${damaged.slice(0, LISTED).join(', ')}${more}`;
}

function printResults(subject: Subject, evaluation: Evaluation, confusion: Confusion, top: number): void {
  const { loss, topK, real, damaged, imagesPerSecond } = evaluation;
  const { accuracy, total, classNames } = confusion;
  const share = (value: number): string => formatPercent(value, total > MANY ? 2 : 1);
  const second = (value: number): string => topKText(top, share, value, classNames.length);
  print(`${subject.weights} on ${subject.data}, ${subject.split}: ${total} images, ${classNames.length} classes`);
  if (subject.preparation.protocol === 'official') print(`official protocol: ${preparationText(subject.preparation)}`);
  print(`top-1 ${share(accuracy)}${second(topK)}  loss ${loss.toFixed(4)} nats`);
  if (real !== null) print(`ReaL top-1 ${share(real.top1)}${second(real.topK)}  of ${real.images} images`);
  if (damaged.length > 0) print(`skipped ${damaged.length} damaged: ${listDamaged(damaged)}`);
  print(
    imagesPerSecond === null
      ? `all of it from ${subject.csv ?? ''}`
      : `${imagesPerSecond.toFixed(0)} images/s by ${subject.backend}`,
  );
  print('');
  printBlock(confusionTable(confusion, outputColumns()));
  for (const { label, prediction, count } of mistakes(confusion, 1)) {
    print('');
    print(`most frequent mistake: ${label} predicted as ${prediction}, ${count} times`);
  }
}

function printJsonResults(subject: Subject, evaluation: Evaluation, confusion: Confusion, top: number): void {
  const { topK, loss, real, damaged, imagesPerSecond } = evaluation;
  const { weights, data, split, preparation } = subject;
  // With --top 1, top1 stands there twice with the same value.
  const scores = { [`top${top}`]: topK, loss, images_per_second: imagesPerSecond };
  const realScores =
    real === null ? {} : { real_top1: real.top1, [`real_top${top}`]: real.topK, real_images: real.images };
  const { confusion: counts, ...shares } = confusionJson(confusion);
  const matrix = counts.length > LARGEST_JSON_MATRIX ? {} : { confusion: counts };
  printJson({ weights, data, split, ...shares, ...matrix, ...scores, ...realScores, damaged, preparation });
}

const isRemote = (weights: string): boolean => isUrl(weights) && !isFileUrl(weights);

/** @throws ParamError for weights of a pipe: they cannot be compared when the file of predictions is continued */
async function requireFile(weights: string): Promise<void> {
  if (isRemote(weights) || (await stat(pathOf(weights)).catch(() => null))?.isFile() === true) return;
  const hint = 'Write them into a file first, or omit --csv.';
  throw new ParamError({ op: weights, expected: 'weights in a file or at a URL, for --csv', got: 'a pipe', hint });
}

/** What a file of predictions belongs to: the numbers of another build differ in their last digits. */
async function settingsOf(
  weights: string,
  model: Model,
  { evalSet, preparation }: { readonly evalSet: EvalSet; readonly preparation: Preparation },
  { ema, key, top }: EvalOptions,
): Promise<EvalSettings> {
  const { dims, strides, ada_pool, act_num, lambda } = model.config;
  const { build, engine, dtype } = model.info as Readonly<Record<string, unknown>>;
  return {
    weights: {
      ...(isRemote(weights) ? { url: weights } : { sha256: await fileSha256(pathOf(weights)) }),
      ema,
      key: key ?? null,
    },
    network: { dims, strides, ada_pool, act_num, lambda },
    preparation,
    data: { split: evalSet.split, images: evalSet.set.n, sha256: digestOf(evalSet) },
    top,
    backend: { name: model.backend, build: build ?? engine ?? dtype ?? null },
  };
}

/** Opens the file of predictions, if there is to be one. @throws ParamError for --resume without --csv */
async function openCsv(
  options: EvalOptions,
  evalSet: EvalSet,
  settings: () => Promise<EvalSettings>,
): Promise<PredictionsCsv | null> {
  const { csv, resume = false, batchSize, top } = options;
  if (csv === undefined) return null;
  const { set, files } = evalSet;
  const names = { files, labels: set.labels, classNames: set.classNames };
  const k = Math.min(top, set.classNames.length);
  return PredictionsCsv.open(csv, names, { settings: await settings(), k, resume, batch: batchSize });
}

/** @throws ParamError for outputs that cannot be written, or would replace inputs */
async function checkOutputs(weights: string, { data, labels, realLabels, confusion, csv, resume }: EvalOptions) {
  if (resume && csv === undefined) {
    const hint = 'Name the file of predictions to continue.';
    throw new ParamError({ op: '--resume', expected: '--csv FILE', got: 'none', hint });
  }
  const inputs = [weights, data, labels, realLabels].filter((each) => each !== undefined);
  if (confusion !== undefined) await requireWritable(confusion, inputs);
  if (csv === undefined) return;
  await requireWritable(csv, [...inputs, ...(confusion === undefined ? [] : [confusion])]);
  await checkNew(csv, resume ?? false);
  await requireFile(weights);
}

async function run(options: EvalOptions): Promise<void> {
  const { data, top, json, confusion: confusionFile, inputSize, batchSize, skipDamaged = false } = options;
  const weights = await weightsOrShipped(options.weights, (text) => {
    if (!json) print(text);
  });
  await checkOutputs(weights, options);
  const { config = {}, ...recognition } = await recognitionOptions(options);
  const sized = inputSize === undefined ? config : { ...config, input_size: inputSize };
  const model = await loadNetwork(weights, { ...recognition, config: sized, backend: await openBackend(options) });
  let csv: PredictionsCsv | null = null;
  try {
    const preparation = preparationOf(model.config, options);
    const evalSet = await openEvalSet(model.config, preparation, options, openCount('images opened', json));
    csv = await openCsv(options, evalSet, () => settingsOf(weights, model, { evalSet, preparation }, options));
    if (csv !== null && csv.former.length > 0 && !json) {
      print(`continued after ${csv.former.length} of ${evalSet.set.n} images in ${csv.path}`);
    }
    const runOptions = { batchSize, k: Math.min(top, model.config.num_classes), skipDamaged };
    const count = openCount('images', json);
    const evaluation = await evaluate(model, evalSet, preparation, runOptions, { count, csv });
    const subject: Subject = {
      ...{ weights, data, split: evalSet.split, backend: model.backend, preparation },
      ...(options.csv === undefined ? {} : { csv: options.csv }),
    };
    const confusion = confusionOf(evaluation.labels, evaluation.predictions, evalSet.set.classNames);
    if (confusionFile !== undefined) {
      const title = `${weights} on ${data}, ${subject.split}`;
      await atomicWrite(confusionFile, await formatConfusion(confusion, confusionFile, title));
    }
    if (json) {
      printJsonResults(subject, evaluation, confusion, top);
      return;
    }
    printResults(subject, evaluation, confusion, top);
    const written = [options.csv, confusionFile].filter((file) => file !== undefined);
    if (written.length > 0) print('');
    for (const file of written) print(`wrote ${file}`);
  } finally {
    await csv?.close();
    model.dispose();
  }
}

/** The size of an input, of which one number means a square. */
const inputSize = (text: string): Size => size(text);

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
    .option('--labels <file>', 'labels of pictures that are not in folders of their classes, such as val.txt')
    .option('--real-labels <file>', 'also report accuracy by ReaL labels of ImageNet: real.json')
    .addOption(new Option('--protocol <name>', 'preparation of pictures').choices(PROTOCOLS).default('weights'))
    .option('--input-size <size>', 'input, such as 224 (default: that of the weights)', inputSize)
    .option(
      '--crop-pct <share>',
      'crop by the scaled picture (default: that of the weights)',
      numberIn({ above: 0, max: 1 }),
    )
    .option('--skip-damaged', 'leave out and list pictures that cannot be read, instead of stopping at the first')
    .option('--csv <file>', 'write predictions, image by image', fileArgument('.csv'))
    .option('--resume', 'continue the file of --csv after an interruption')
    .option('-b, --batch-size <n>', 'images a call', integer(1), 100)
    .option('-t, --top <k>', 'also report top-k accuracy', integer(1), 5)
    .option('-n, --limit <n>', 'use this many images, evenly spread', integer(1))
    .option('--seed <n>', 'seed of shapes and of --val-split', integer(0), 0)
    .option('--confusion <file>', 'write the confusion matrix', fileArgument('.csv', '.svg', '.json'))
    .option('--json', 'print JSON')
    .action(run);
