import type { ModelConfig } from '../core/config.js';
import { parameterShapes } from '../core/parameters.js';
import { uniform } from '../core/philox.js';
import { sizeOf } from '../core/tensor.js';
import type { WeightStream } from '../core/weights.js';

/** A prime, so that no two rows of a weight begin alike. */
const PERIOD = 65_521;

/**
 * Random weights, for measuring: uniform in ±1/√fan-in, so that nothing overflows
 * and nothing becomes subnormal, which would be slow. They repeat after a while.
 */
export function drawnWeights(config: ModelConfig): WeightStream {
  const shapes = parameterShapes(config);
  const few = Float32Array.from({ length: PERIOD }, (_, i) => 2 * uniform(1, 0, i) - 1);
  return {
    shapes,
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing here has to be waited for
    async *parts() {
      for (const [name, shape] of shapes) {
        const width = 1 / Math.sqrt(sizeOf(shape.slice(1)));
        const scaled = few.map((v) => v * width);
        const count = sizeOf(shape);
        for (let offset = 0; offset < count; offset += PERIOD) {
          yield { name, offset, data: scaled.subarray(0, Math.min(PERIOD, count - offset)) };
        }
      }
    },
  };
}
