import type { OpSpec } from '../../judges/opSpec.js';
import { adamSteps } from './adam.js';

/** Adam with its decay decoupled. */
export const adamw: OpSpec = {
  op: 'adamw',
  golden: (ref, inputs, scalars) => adamSteps(ref, inputs, scalars, true),
  gradients: [],
  errors: [],
};
