import type { ModelConfig } from '../../core/config.js';
import { ParamError } from '../../core/errors.js';
import { fitOptions, type FitOptions } from '../../image/preprocess.js';
import { isStreamed, type DataSet } from './dataset.js';

const describeFit = ({ size: [height, width], resize, crop_pct, interpolation }: FitOptions): string =>
  `${height}x${width}, ${resize === 'exact' ? 'resized exactly' : `crop_pct ${crop_pct}`}, ${interpolation}`;

/**
 * How the images of a set still have to be scaled and cropped for a network: as the configuration says, if they are
 * original; not at all, if the set was opened so.
 *
 * @param name the name of the set in errors
 * @returns null if nothing remains to be done, also for images that are not RGB: they are inputs already
 * @throws ParamError for a set that was opened with other options, which cannot be undone
 */
export function remainingFit(
  set: DataSet,
  config: Pick<ModelConfig, 'input_size' | 'crop_pct' | 'interpolation'> & Pick<FitOptions, 'resize'>,
  name: string,
): Required<FitOptions> | null {
  if (set.channels !== 3) return null;
  const configured = { ...fitOptions(config), resize: config.resize ?? 'short-side' };
  const applied = isStreamed(set) ? set.files.fit : set.fit;
  if (applied === undefined) return configured;
  const [expected, got] = [describeFit(configured), describeFit(applied)];
  if (expected === got) return null;
  const hint = 'Open it with { ...fitOptions(config) }, or change the configuration.';
  throw new ParamError({ op: name, expected: `images prepared as the configuration says: ${expected}`, got, hint });
}
