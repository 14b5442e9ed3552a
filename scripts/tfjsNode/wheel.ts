import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, telling } from './command.js';
import type { Flavor } from './flavor.js';
import { SetupError } from './setupError.js';

const UNPACK = fileURLToPath(new URL('unpackWheel.py', import.meta.url));

/** Unpacks what of a wheel matches into a folder. @throws SetupError if it is no wheel, or nothing of that is in it */
async function unpack(
  python: string,
  wheel: string,
  folder: string,
  wanted: readonly string[],
  welcome: readonly string[] = [],
): Promise<void> {
  // Without `site`: Python's own modules do.
  const parameters = ['-IS', UNPACK, wheel, folder, ...wanted, ...welcome];
  const { status, stdout, output } = await command(python, parameters);
  const counts = stdout.trim().split(' ').map(Number);
  const absent = wanted.filter((_, i) => counts[i] === 0);
  if (status === 0 && absent.length === 0) return;
  throw new SetupError({
    op: wheel,
    expected: `a wheel with ${wanted.join(' and ')}`,
    got: status === 0 ? `none of ${absent.join(', ')}` : telling(output),
    remedy: 'Get one of Linux: python3 -m pip download tensorflow-cpu --no-deps (with --gpu: tensorflow)',
  });
}

/**
 * What of TensorFlow's wheel is of use here, in a folder as `libtensorflow.ts` wants it.
 * The Python that a wheel is for does not matter: none of it is used.
 */
export async function unpackTensorflow(
  python: string,
  wheel: string,
  folder: string,
  { name }: Flavor,
): Promise<string> {
  if (name === 'tfjs-node-gpu' && /^tensorflow_cpu-/.test(basename(wheel))) {
    const remedy = 'Get the other: python3 -m pip download tensorflow --no-deps';
    throw new SetupError({ op: wheel, expected: 'the wheel with CUDA, tensorflow', got: 'tensorflow-cpu', remedy });
  }
  // Python's own modules are half of it.
  await unpack(python, wheel, folder, ['tensorflow/libtensorflow_*.so.*', 'tensorflow/include/*.h']);
  return join(folder, 'tensorflow');
}

/** One of NVIDIA's wheels, without what only compilers read. */
export const unpackCuda = (python: string, wheel: string, folder: string): Promise<void> =>
  unpack(python, wheel, folder, [], ['nvidia/*/lib/*', 'nvidia/*/bin/*', 'nvidia/*/nvvm/libdevice/*']);
