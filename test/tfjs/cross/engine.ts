/** The code under test: parts of `src/tfjs`, or of a copy with a fault. */
import * as adam from '../../../src/tfjs/adam.js';
import * as backend from '../../../src/tfjs/backend.js';
import * as bceWithLogits from '../../../src/tfjs/bceWithLogits.js';
import * as crossEntropy from '../../../src/tfjs/crossEntropy.js';
import * as lamb from '../../../src/tfjs/lamb.js';
import * as network from '../../../src/tfjs/network.js';
import * as sgd from '../../../src/tfjs/sgd.js';
import type { Tf } from '../../../src/tfjs/tf.js';
import * as weights from '../../../src/tfjs/weights.js';
import type { Arithmetic } from '../../judges/arithmetic.js';

export const PARTS = { adam, backend, bceWithLogits, crossEntropy, lamb, network, sgd, weights };

export type Parts = typeof PARTS;

/** The engine that is active in a `tf`. */
export interface EngineUnderTest {
  readonly tf: Tf;
  readonly parts: Parts;
  readonly arithmetic: Arithmetic;
  /** To which of several equal maxima the gradient goes. TensorFlow.js' shaders take the last. */
  readonly ties: 'first' | 'any';
}
