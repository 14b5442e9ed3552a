import { BY_SHADERS, FLUSHING, TO_NEAREST, type Rounding } from '../../reference/index.js';

/** Engines of TensorFlow.js that do not round as IEEE 754 requires. */
const ENGINES: Readonly<Record<string, Rounding>> = {
  'tfjs:webgpu': BY_SHADERS,
  'tfjs:webgl': BY_SHADERS,
  'tfjs:tfjs-node': FLUSHING,
  'tfjs:tfjs-node-gpu': FLUSHING,
};

/** How the backend of this name rounds. */
export const roundingOf = (backend: string): Rounding => ENGINES[backend] ?? TO_NEAREST;
