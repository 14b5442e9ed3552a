import { BY_SHADERS, FLUSHING, TO_NEAREST, type Rounding } from '../../reference/index.js';

/** Those of TensorFlow.js that do not round as IEEE 754 says. */
const ENGINES: Readonly<Record<string, Rounding>> = {
  'tfjs:webgpu': BY_SHADERS,
  'tfjs:webgl': BY_SHADERS,
  'tfjs:tfjs-node': FLUSHING,
  'tfjs:tfjs-node-gpu': FLUSHING,
};

/** How a backend rounds, by its name. */
export const roundingOf = (backend: string): Rounding => ENGINES[backend] ?? TO_NEAREST;
