import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';
import { isStreamed, type DataSet } from '../data/sets/dataset.js';
import type { Model } from '../model/model.js';

/** The name of an image in errors: its file, or its number and class. */
function nameOf(set: DataSet, image: number): string {
  const files = isStreamed(set) ? set.files : set.sourceFiles;
  return files?.names[image] ?? `image ${image} (${set.classNames[set.labels[image]]})`;
}

/** Images of a set, and the inputs that were made of them. */
export interface Images {
  readonly set: DataSet;
  readonly positions: readonly number[];
  readonly x: FloatArray;
}

/** The error of the first image whose logits are not finite; `cause`, if each has finite ones alone. */
async function errorWithImage(op: string, model: Model, { set, positions, x }: Images, cause: WeightsError) {
  const size = x.length / positions.length;
  for (const [i, image] of positions.entries()) {
    const input = x.subarray(i * size, (i + 1) * size);
    const error: unknown = await model.forward(input).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof WeightsError)) continue;
    const { expected, got, hint } = error;
    return new WeightsError({ op, expected, got: `${got} of ${nameOf(set, image)}`, hint }, { cause });
  }
  return cause;
}

/**
 * The logits of images of a set.
 *
 * @param op the command, for errors
 * @throws WeightsError naming the first image whose logits are not finite
 */
export async function setLogits(op: string, model: Model, images: Images): Promise<FloatArray> {
  try {
    return await model.forward(images.x, images.positions.length);
  } catch (cause) {
    if (!(cause instanceof WeightsError)) throw cause;
    throw await errorWithImage(op, model, images, cause);
  }
}
