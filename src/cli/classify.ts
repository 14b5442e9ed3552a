import { Command } from 'commander';
import { ParamError, VanillaNetError } from '../core/errors.js';
import { readImage } from '../data/decode/image.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import type { Prediction } from '../model/topK.js';
import { integer } from './arguments.js';
import { backendOf, withBackend, type BackendOptions } from './backends.js';
import { readJsonObject } from './jsonFile.js';
import { lineOf, percent, print, printJson } from './print.js';
import { SHIPPED_HELP, weightsOr } from './shippedModel.js';
import { CONFIG_HELP } from './weights.js';

interface ClassifyOptions extends BackendOptions {
  readonly weights?: string;
  readonly config?: string;
  readonly top: number;
  readonly json?: true;
}

interface Answer {
  readonly image: string;
  readonly predictions?: readonly Prediction[];
  readonly error?: string;
}

async function answer(model: Model, image: string, topK: number): Promise<Answer> {
  try {
    return { image, predictions: await model.classify(await readImage(image), { topK }) };
  } catch (error) {
    // One image that cannot be read must not cost the others their answers.
    if (error instanceof VanillaNetError) return { image, error: lineOf(error) };
    throw error;
  }
}

function show({ image, predictions = [], error }: Answer): void {
  if (error !== undefined) {
    process.stderr.write(`${error}\n`);
    return;
  }
  print(image);
  for (const { label, probability } of predictions) print(`  ${percent(probability).padStart(6)}  ${label}`);
}

async function classify(images: readonly string[], options: ClassifyOptions): Promise<void> {
  const config = options.config === undefined ? {} : { config: await readJsonObject(options.config) };
  const weights = weightsOr(options.weights, (text) => {
    if (!options.json) print(text);
  });
  const model = await loadModel(weights, { backend: await backendOf(options), ...config });
  const { in_chans } = model.config;
  if (in_chans !== 3) {
    throw new ParamError({ op: 'classify', expected: 'a network for RGB images', got: `in_chans ${in_chans}` });
  }
  const answers: Answer[] = [];
  for (const image of images) {
    const given = await answer(model, image, options.top);
    answers.push(given);
    if (!options.json) show(given);
  }
  model.dispose();
  if (options.json) printJson(answers);
  if (answers.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

export const classifyCommand = (): Command =>
  withBackend(
    new Command('classify')
      .description('Say what is on images (PNG, JPEG, WebP).')
      .argument('<image...>', 'image files')
      .option(
        '-w, --weights <file>',
        `weights (.safetensors), a file or URL; WebAssembly takes the fused form (${SHIPPED_HELP})`,
      ),
  )
    .option('-t, --top <k>', 'how many classes to show', integer(1), 5)
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(classify);
