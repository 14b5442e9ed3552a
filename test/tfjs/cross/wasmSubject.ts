/** The WebAssembly engine as a subject: a build of it, for the same checks of the whole network. */
import { createWasmBackend } from '../../../src/wasm/backend.js';
import type { Build } from '../../../src/wasm/build.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import { streamOf } from '../../../src/core/weights.js';
import { IEEE } from '../../judges/arithmetic.js';
import type { Subject } from './subject.js';

export function wasmSubject(build: Build): Subject {
  const backend = createWasmBackend({ build });
  return {
    // Wider than its own, and shared with the others: twins take their time.
    arithmetic: IEEE,
    open: (state, config) => backend.open(streamOf(state), config),
    train: (state, config, options) => TrainingSession.open(state, config, { ...options, build }),
  };
}
