import { extname } from 'node:path';
import { ParamError } from '../core/errors.js';
import { shellWord } from './print.js';

/** Endings of other formats of weights: a file of safetensors under one of them could not be read by its programs. */
const OTHERS = ['.onnx', '.pth', '.pt', '.bin', '.ckpt', '.pdparams', '.h5', '.keras', '.npz', '.tflite', '.pb'];

/** Those that `convert` writes. */
const CONVERTED = ['.onnx', '.pth', '.pt', '.pdparams'];

/** Refuses the name of another format for a file of safetensors. @throws ParamError */
export function requireSafetensorsName(output: string): void {
  const ending = extname(output).toLowerCase();
  if (!OTHERS.includes(ending)) return;
  const convert = `Write net.safetensors, then: vanillanet convert net.safetensors ${shellWord(output)}.`;
  const hint = CONVERTED.includes(ending) ? convert : 'Write net.safetensors.';
  throw new ParamError({ op: output, expected: 'a file of safetensors to write', got: `the ending ${ending}`, hint });
}
