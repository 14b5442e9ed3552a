import { checkObject } from '../../core/check.js';
import type { ModelConfig } from '../../core/config.js';
import { resolveFit, type FitOptions } from '../../image/preprocess.js';
import { batchOf } from './batchOf.js';
import { checkSet } from './checkSet.js';
import type { DataSet } from './dataset.js';
import { loadSubset } from './loadSubset.js';
import { remainingFit } from './remainingFit.js';
import { scaleSet } from './scaleSet.js';

/**
 * The inputs of a network for images of a set: decoded, resized, cropped and normalized as its configuration says, and
 * as `classify` prepares an image.
 *
 * @param positions of the images in the set
 * @param config may also have `resize`, as `fit`
 * @returns [positions.length, c, h, w]
 * @throws ParamError for a position outside of the set, or a set that was opened with other options
 * @throws DataError naming a file that cannot be read
 */
export async function prepareInputs(
  set: DataSet,
  positions: readonly number[],
  config: Pick<ModelConfig, 'input_size' | 'crop_pct' | 'interpolation' | 'mean' | 'std'> & Pick<FitOptions, 'resize'>,
): Promise<Float32Array> {
  checkSet('prepareInputs', set);
  const { input_size, crop_pct, interpolation, resize } = checkObject('config', config);
  resolveFit({ size: input_size, crop_pct, interpolation, resize });
  const fit = remainingFit(set, config, 'prepareInputs');
  const part = await loadSubset(set, positions);
  const { mean, std } = config;
  return batchOf(
    fit === null ? part : scaleSet(part, fit),
    Array.from({ length: part.n }, (_, i) => i),
    { mean, std },
  );
}
