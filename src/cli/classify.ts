import { Command } from 'commander';
import { ParamError, VanillaNetError } from '../core/errors.js';
import { readImage } from '../data/decode/image.js';
import type { Model } from '../model/model.js';
import type { Prediction } from '../model/topK.js';
import { formatPercent } from '../report/percent.js';
import { integer } from './arguments.js';
import { openBackend, withBackend, type BackendOptions } from './backends.js';
import { errorLine, print, printError, printJson } from './print.js';
import { recognitionOptions, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { weightsOrShipped, WEIGHTS_HELP } from './shippedModel.js';
import { loadNetwork } from './weights.js';

interface ClassifyOptions extends BackendOptions, RecognitionFlags {
  readonly weights?: string;
  readonly top: number;
  readonly json?: true;
}

interface Result {
  readonly image: string;
  readonly predictions?: readonly Prediction[];
  readonly error?: VanillaNetError;
}

async function classifyOne(model: Model, image: string, topK: number): Promise<Result> {
  try {
    return { image, predictions: await model.classify(await readImage(image), { topK }) };
  } catch (error) {
    // The other images are classified, too.
    if (error instanceof VanillaNetError) return { image, error };
    throw error;
  }
}

function printResult({ image, predictions = [], error }: Result): void {
  if (error !== undefined) {
    printError(error);
    return;
  }
  print(image);
  for (const { label, probability } of predictions) print(`  ${formatPercent(probability).padStart(6)}  ${label}`);
}

const asJson = ({ error, ...result }: Result) =>
  error === undefined ? result : { ...result, error: errorLine(error), hint: error.hint };

async function classify(images: readonly string[], options: ClassifyOptions): Promise<void> {
  const recognition = await recognitionOptions(options);
  const weights = await weightsOrShipped(options.weights, (text) => {
    if (!options.json) print(text);
  });
  const model = await loadNetwork(weights, { ...recognition, backend: await openBackend(options) });
  const { in_chans } = model.config;
  if (in_chans !== 3 && in_chans !== 1) {
    throw new ParamError({
      op: 'classify',
      expected: 'a network for RGB or grayscale images',
      got: `in_chans ${in_chans}`,
    });
  }
  const results: Result[] = [];
  for (const image of images) {
    const result = await classifyOne(model, image, options.top);
    results.push(result);
    if (!options.json) printResult(result);
  }
  model.dispose();
  if (options.json) printJson(results.map(asJson));
  if (results.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

export const classifyCommand = (): Command =>
  withRecognition(
    withBackend(
      new Command('classify')
        .description('Classify images (PNG, JPEG, WebP).')
        .argument('<image...>', 'image files')
        .option('-w, --weights <file>', WEIGHTS_HELP),
    ).option('-t, --top <k>', 'number of classes to print', integer(1), 5),
  )
    .option('--json', 'print JSON')
    .action(classify);
