import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command, telling } from './command.js';
import { cudaLibraries } from './cudaLibraries.js';
import { SetupError } from './setupError.js';

/** Node's API of which the addon is made; every Node from 20 on has it, so one build is for all of them. */
const NAPI = 8;

export interface Compilation {
  readonly compiler: string;
  /** TensorFlow's headers. */
  readonly include: string;
  /** What npm installed. */
  readonly modules: string;
  /** The package, with libtensorflow laid out in it. */
  readonly package: string;
}

/**
 * Compiles the package's addon as its binding.gyp says. Without node-gyp: Node's headers
 * come from a package of their own, and two files need no make.
 */
export async function compile({ compiler, include, modules, package: folder }: Compilation): Promise<void> {
  const out = join(folder, 'lib', `napi-v${NAPI}`);
  await mkdir(out, { recursive: true });
  const nvidia = join(folder, 'deps', 'nvidia');
  const cuda = await cudaLibraries(nvidia);
  const includes = [join(modules, 'node-api-headers', 'include'), include].flatMap((path) => ['-isystem', path]);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(folder, 'binding', name));
  // By where the addon lies, so that all of it can be moved.
  const rpaths = ['lib', ...cuda.folders.map((path) => join('nvidia', path))].map(
    (path) => `-Wl,-rpath,$ORIGIN/../../deps/${path}`,
  );
  // TensorFlow opens CUDA's by name, and finds those that are open already wherever they lie.
  const opened = cuda.files.length > 0 ? ['-Wl,--no-as-needed', ...cuda.files.map((path) => join(nvidia, path))] : [];
  const { status, output } = await command(compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${NAPI}`, ...includes, ...sources],
    ...[`-L${join(folder, 'deps', 'lib')}`, ...rpaths, '-ltensorflow', '-ltensorflow_framework', ...opened],
    ...['-o', join(out, 'tfjs_binding.node')],
  ]);
  if (status === 0) return;
  throw new SetupError({
    op: compiler,
    expected: 'the addon to compile and link',
    got: telling(output, 'first'),
    remedy: 'Use a compiler with C++17 and a libtensorflow from 2.9 on, for this machine',
  });
}
