import { InvalidArgumentError, Option } from 'commander';
import { WEIGHTS_DTYPES, type WeightsDtype } from '../io/safetensors.js';

const SHORT: Readonly<Record<string, WeightsDtype>> = { f16: 'float16', f32: 'float32', f64: 'float64' };

/** A type of weights, by its name or in short. */
function dtype(text: string): WeightsDtype {
  const name = Object.hasOwn(SHORT, text) ? SHORT[text] : WEIGHTS_DTYPES.find((each) => each === text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError(`Allowed choices are f16, f32, f64, int8, or ${WEIGHTS_DTYPES.join(', ')}.`);
}

export const dtypeOption = (flags: string, what: string): Option =>
  new Option(flags, `${what}: f16, f32, f64 or int8`).argParser(dtype);
