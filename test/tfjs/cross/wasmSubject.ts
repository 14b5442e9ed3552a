/** The WebAssembly engine as a subject: a build of it, for the same checks of the whole network. */
import type { ModelConfig } from '../../../src/core/config.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import type { Build } from '../../../src/wasm/build.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import { IEEE } from '../../judges/arithmetic.js';
import type { Subject } from './subject.js';

/** The train form, of which the engine makes logits only where it is trained. */
async function evaluated(
  { state, config, build }: { readonly state: StateDict; readonly config: ModelConfig; readonly build: Build },
  x: FloatArray,
  n: number,
): Promise<FloatArray> {
  const session = await TrainingSession.open(state, config, { batchSize: n, build });
  const { logits } = session.evaluate(x, new Float32Array(n * config.num_classes), config.lambda ?? NaN);
  session.dispose();
  return Float32Array.from(logits);
}

export function wasmSubject(build: Build): Subject {
  const backend = createWasmBackend({ build });
  return {
    // Wider than its own, and shared with the others: twins take their time.
    arithmetic: IEEE,
    open: async (state, config) =>
      config.form === 'deploy'
        ? backend.open(streamOf(state), config)
        : { forward: (x, n) => evaluated({ state, config, build }, x, n), dispose: () => undefined },
    train: (state, config, options) => TrainingSession.open(state, config, { ...options, build }),
  };
}
