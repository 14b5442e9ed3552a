/** The flags of commands that find a network in a file. */
import type { Command } from 'commander';
import type { VariantName } from '../core/config.js';
import type { RecognizeOptions } from '../formats/recognize.js';
import { importWeights, type ImportedWeights } from '../formats/importWeights.js';
import { number, variantName } from './arguments.js';
import { readJsonObject } from './jsonFile.js';
import { cachedVariant, hasTwin } from './namedWeights.js';
import { checkWeightsPath } from './weightsPath.js';

export interface RecognitionFlags {
  readonly variant?: VariantName;
  readonly lambda?: number;
  readonly config?: string;
  readonly ema: boolean;
  readonly key?: string;
}

export const withRecognition = (command: Command): Command =>
  command
    .option('--variant <name>', 'the network, if the file does not say which', variantName)
    .option('-l, --lambda <value>', 'lambda of the activations, if the file does not say it', number(0, 1))
    .option('-c, --config <file>', 'keys of the network as JSON, which override the file')
    .option('--no-ema', 'take the weights themselves instead of their moving average')
    .option('--key <name>', 'the weights to take, if the file has several, such as model_ema');

export async function recognitionOptions({
  variant,
  lambda,
  config,
  ema,
  key,
}: RecognitionFlags): Promise<RecognizeOptions> {
  return {
    config: {
      ...(config === undefined ? {} : await readJsonObject(config)),
      ...(variant === undefined ? {} : { variant }),
      ...(lambda === undefined ? {} : { lambda }),
    },
    ema,
    ...(key === undefined ? {} : { key }),
  };
}

/** States the variant of a file in the cache of official weights, where its tensors do not show it. */
export function withCachedVariant(options: RecognizeOptions, path: string): RecognizeOptions {
  const variant = cachedVariant(path);
  const { config = {} } = options;
  const isStated = [config.variant, config.dims, config.strides].some((each) => each !== undefined);
  if (variant === null || isStated || !hasTwin(variant)) return options;
  return { ...options, config: { ...config, variant } };
}

/** Opens weights, a path or the name of official ones, as the flags say. @throws as `checkWeightsPath` and `importWeights` */
export async function openRecognized(weights: string, flags: RecognitionFlags): Promise<ImportedWeights> {
  const path = await checkWeightsPath(weights);
  return importWeights(path, withCachedVariant(await recognitionOptions(flags), path));
}
