/** Adapts the values of a recipe that neither flags nor the file set to the data and the machine. */
import { totalmem } from 'node:os';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { fitDecay, type Recipe } from '../train/recipe.js';
import type { BackendOptions } from './backends.js';
import { trainingMemory } from './trainingBackend.js';

/** What WebAssembly can address. */
const ADDRESSABLE = 2 ** 32;
/** The share of the machine's memory that a network in training may take; images need the rest. */
const SHARE = 0.75;

/** Bytes for a network in training on this machine. A container may have less memory than its machine. */
export function memoryLimit(total = totalmem(), constrained = process.constrainedMemory()): number {
  const available = constrained > 0 ? Math.min(total, constrained) : total;
  return Math.min(ADDRESSABLE, SHARE * available);
}

export interface AdaptOptions {
  /** Names of the values that flags or the file set. */
  readonly explicit: ReadonlySet<string>;
  /** Number of training images. */
  readonly images: number;
  /** The recipe of the checkpoint that the run resumes from. */
  readonly resumed: Recipe | undefined;
  readonly config: ModelConfig;
  readonly backend: BackendOptions;
  /** Bytes for the network. Default: `memoryLimit()`. */
  readonly limit?: number;
}

/**
 * Adapts the rise of λ to the number of steps, and divides batches into as few micro-batches as fit into memory. A
 * resumed run keeps the values of its checkpoint.
 *
 * @returns the recipe, and lines about it
 * @throws ParamError if even micro-batches of two images do not fit
 */
export function adaptRecipe(
  recipe: Recipe,
  { explicit, images, resumed, config, backend, limit = memoryLimit() }: AdaptOptions,
): { readonly recipe: Recipe; readonly notes: readonly string[] } {
  let adapted = recipe;
  if (!explicit.has('decayEpochs')) {
    adapted = resumed === undefined ? fitDecay(recipe, images) : { ...recipe, decayEpochs: resumed.decayEpochs };
  }
  if (explicit.has('gradAccumSteps')) return { recipe: adapted, notes: [] };
  const gradAccumSteps = resumed?.gradAccumSteps ?? fewestMicroBatches(adapted, config, backend, limit);
  adapted = { ...adapted, gradAccumSteps };
  return { recipe: adapted, notes: gradAccumSteps === 1 ? [] : [microBatchNote(adapted)] };
}

function microBatchNote({ batchSize, gradAccumSteps }: Recipe): string {
  const micro = `${gradAccumSteps} micro-batches of ${batchSize / gradAccumSteps}`;
  return `batch  ${batchSize} images in ${micro}, to fit into memory; batch norms see one micro-batch at a time`;
}

/** The least number of micro-batches that fit; 1 for a backend whose memory is not known. @throws ParamError */
function fewestMicroBatches(recipe: Recipe, config: ModelConfig, backend: BackendOptions, limit: number): number {
  const { batchSize } = recipe;
  let lastError: ParamError | null = null;
  for (let parts = 1; parts <= batchSize / 2; parts++) {
    if (batchSize % parts !== 0) continue;
    try {
      const bytes = trainingMemory(config, { ...recipe, gradAccumSteps: parts }, backend);
      if (bytes === null || bytes <= limit) return parts;
      lastError = tooLarge(bytes, limit);
    } catch (error) {
      // Beyond what WebAssembly can address; other errors do not depend on the number of images.
      if (!(error instanceof ParamError) || error.op !== 'training') throw error;
      lastError = error;
    }
  }
  if (lastError !== null) throw lastError;
  return 1;
}

function tooLarge(bytes: number, limit: number): ParamError {
  const mebibytes = (value: number): string => `${Math.floor(value / 2 ** 20)} MiB`;
  return new ParamError({
    op: 'training',
    expected: `what fits into ${mebibytes(limit)}, ${100 * SHARE}% of this machine's memory`,
    got: `at least ${mebibytes(bytes)}`,
    hint: 'Train a narrower network or smaller images: --dims, --size.',
  });
}
