import { ParamError } from './errors.js';
import { normalCdf, normalQuantile } from './normal.js';
import { uniform } from './philox.js';
import { requireNumber, requireOptions, requirePositive, requireRange } from './require.js';
import { zeros, type Tensor } from './tensor.js';

export interface TruncatedNormalOptions {
  /** Default 0. */
  readonly mean?: number;
  /** Default 0.02. */
  readonly std?: number;
  /** Lower bound, absolute and not in units of std. Default −2. */
  readonly a?: number;
  /** Upper bound, absolute and not in units of std. Default 2. */
  readonly b?: number;
}

/**
 * The quantile function of the truncated normal distribution:
 *
 *     x = mean + std · Φ⁻¹( Φ(α) + u·(Φ(β) − Φ(α)) ),   α = (a − mean)/std, β = (b − mean)/std
 *
 * clipped to [a, b], because of rounding errors. The defaults are those of timm and the official code: std 0.02,
 * truncated at ±2, which is ±100 std and does not change the distribution.
 *
 * @param u in [0, 1]
 * @throws ParamError
 */
export function truncatedNormalQuantile(u: number, options: TruncatedNormalOptions = {}): number {
  return quantileOf(resolveOptions(options))(u);
}

function resolveOptions(options: TruncatedNormalOptions): Required<TruncatedNormalOptions> {
  const {
    mean = 0,
    std = 0.02,
    a = -2,
    b = 2,
  } = requireOptions('truncatedNormal', 'options', options, ['mean', 'std', 'a', 'b']);
  requirePositive('truncatedNormal', 'std', std);
  for (const [name, value] of Object.entries({ mean, a, b })) requireNumber('truncatedNormal', name, value);
  if (!(a < b)) throw new ParamError('truncatedNormal', 'a < b', `a = ${a}, b = ${b}`);
  return { mean, std, a, b };
}

const quantileOf =
  ({ mean, std, a, b }: Required<TruncatedNormalOptions>) =>
  (u: number): number => {
    requireRange('truncatedNormal', 'u', u, 0, 1);
    const low = normalCdf((a - mean) / std);
    const high = normalCdf((b - mean) / std);
    const x = mean + std * normalQuantile(low + u * (high - low));
    return Math.min(Math.max(x, a), b);
  };

/** A tensor of truncated normal values: element i is the quantile of `uniform(seed, stream, i)`. */
export function truncatedNormal(
  shape: readonly number[],
  seed: number,
  stream: number,
  options: TruncatedNormalOptions = {},
): Tensor {
  const quantile = quantileOf(resolveOptions(options));
  const x = zeros(shape);
  for (let i = 0; i < x.size; i++) x.data[i] = quantile(uniform(seed, stream, i));
  return x;
}
