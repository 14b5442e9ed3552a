import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, errorLine } from './command.js';
import type { Flavor } from './flavor.js';
import { SetupError } from './setupError.js';

const UNPACK = fileURLToPath(new URL('unpackWheel.py', import.meta.url));

/**
 * Unpacks the files of a wheel that match some patterns into a folder.
 *
 * @throws SetupError if it is not a wheel, or if no file matches one of the required patterns
 */
async function unpack(
  python: string,
  wheel: string,
  folder: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Promise<void> {
  // -I and -S: isolated, without site-packages. Only Python's standard library is used.
  const parameters = ['-IS', UNPACK, wheel, folder, ...required, ...optional];
  const { status, stdout, output } = await command(python, parameters);
  const counts = stdout.trim().split(' ').map(Number);
  const missing = required.filter((_, i) => counts[i] === 0);
  if (status === 0 && missing.length === 0) return;
  throw new SetupError({
    op: wheel,
    expected: `a wheel with ${required.join(' and ')}`,
    got: status === 0 ? `none of ${missing.join(', ')}` : errorLine(output),
    hint: 'Download a wheel for Linux: python3 -m pip download tensorflow-cpu --no-deps (with --gpu: tensorflow).',
  });
}

/**
 * Unpacks the libraries and headers of TensorFlow's wheel, for `findLibtensorflow`. The wheel may be for any version of
 * Python: no Python code is used.
 *
 * @returns the folder
 */
export async function unpackTensorflow(
  python: string,
  wheel: string,
  folder: string,
  { name }: Flavor,
): Promise<string> {
  if (name === 'tfjs-node-gpu' && /^tensorflow_cpu-/.test(basename(wheel))) {
    const hint = 'Download the other wheel: python3 -m pip download tensorflow --no-deps.';
    throw new SetupError({ op: wheel, expected: 'the wheel with CUDA, tensorflow', got: 'tensorflow-cpu', hint });
  }
  // The Python modules, half of the wheel, are left out.
  await unpack(python, wheel, folder, ['tensorflow/libtensorflow_*.so.*', 'tensorflow/include/*.h']);
  return join(folder, 'tensorflow');
}

/** Unpacks one of NVIDIA's wheels, without the headers. */
export const unpackCuda = (python: string, wheel: string, folder: string): Promise<void> =>
  unpack(python, wheel, folder, [], ['nvidia/*/lib/*', 'nvidia/*/bin/*', 'nvidia/*/nvvm/libdevice/*']);
