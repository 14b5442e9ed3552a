/** A build of the WebAssembly engine for the checks of whole networks. */
import type { ModelConfig } from '../../../src/core/config.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import type { Build } from '../../../src/wasm/build.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import { IEEE } from '../../judges/arithmetic.js';
import type { Subject } from './subject.js';

/** Logits of the train form, which only a training session computes. */
async function evaluate(
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
    // Wider than the build's own arithmetic, but shared with the other engines: computing the bounds takes long.
    arithmetic: IEEE,
    open: async (state, config) =>
      config.form === 'deploy'
        ? backend.open(streamOf(state), config)
        : { forward: (x, n) => evaluate({ state, config, build }, x, n), dispose: () => undefined },
    train: (state, config, options) => TrainingSession.open(state, config, { ...options, build }),
  };
}
