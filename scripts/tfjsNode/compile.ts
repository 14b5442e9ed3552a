import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command, errorLine } from './command.js';
import { cudaLibraries } from './cudaLibraries.js';
import { SetupError } from './setupError.js';

/** The version of Node-API of the addon. Every Node from 20 on supports it, so one build runs on all of them. */
const NAPI = 8;

export interface Compilation {
  readonly compiler: string;
  /** TensorFlow's headers. */
  readonly include: string;
  /** The folder node_modules. */
  readonly modules: string;
  /** The package, with libtensorflow laid out in it. */
  readonly package: string;
}

/**
 * Compiles the package's addon with the settings of its binding.gyp, but without node-gyp: Node's headers come from the
 * package node-api-headers, and two source files need no make.
 */
export async function compile({ compiler, include, modules, package: folder }: Compilation): Promise<void> {
  const out = join(folder, 'lib', `napi-v${NAPI}`);
  await mkdir(out, { recursive: true });
  const nvidia = join(folder, 'deps', 'nvidia');
  const cuda = await cudaLibraries(nvidia);
  const includes = [join(modules, 'node-api-headers', 'include'), include].flatMap((path) => ['-isystem', path]);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(folder, 'binding', name));
  // Relative to the addon, so that the folder can be moved.
  const rpaths = ['lib', ...cuda.folders.map((path) => join('nvidia', path))].map(
    (path) => `-Wl,-rpath,$ORIGIN/../../deps/${path}`,
  );
  // TensorFlow opens the CUDA libraries by name. It finds them anywhere if the process has loaded them before.
  const preloaded =
    cuda.files.length > 0 ? ['-Wl,--no-as-needed', ...cuda.files.map((path) => join(nvidia, path))] : [];
  const { status, output } = await command(compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${NAPI}`, ...includes, ...sources],
    ...[`-L${join(folder, 'deps', 'lib')}`, ...rpaths, '-ltensorflow', '-ltensorflow_framework', ...preloaded],
    ...['-o', join(out, 'tfjs_binding.node')],
  ]);
  if (status === 0) return;
  throw new SetupError({
    op: compiler,
    expected: 'the addon to compile and link',
    got: errorLine(output, 'first'),
    hint: 'Use a compiler with C++17, and libtensorflow 2.9 or later for this machine.',
  });
}
