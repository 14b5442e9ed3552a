import type { ModelConfig } from '../core/config.js';
import { parameterShapes } from '../core/parameters.js';
import { uniform } from '../core/philox.js';
import { sizeOf } from '../core/tensor.js';
import type { WeightStream } from '../core/weights.js';

/** A prime, so that no two rows of a weight begin with the same values. */
const PERIOD = 65_521;

/**
 * Random weights for measuring time: uniform in ±1/√fan-in, so that no value overflows or becomes subnormal, which
 * would be slow. The values repeat with a period of 65,521.
 */
export function randomWeights(config: ModelConfig): WeightStream {
  const shapes = parameterShapes(config);
  const values = Float32Array.from({ length: PERIOD }, (_, i) => 2 * uniform(1, 0, i) - 1);
  return {
    shapes,
    // eslint-disable-next-line @typescript-eslint/require-await -- a WeightStream is asynchronous, and nothing here is
    async *parts() {
      for (const [name, shape] of shapes) {
        const width = 1 / Math.sqrt(sizeOf(shape.slice(1)));
        const scaled = values.map((v) => v * width);
        const count = sizeOf(shape);
        for (let offset = 0; offset < count; offset += PERIOD) {
          yield { name, offset, data: scaled.subarray(0, Math.min(PERIOD, count - offset)) };
        }
      }
    },
  };
}
