import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { machineOf } from './machineOf.js';
import { SetupError } from './setupError.js';

/** The files of a libtensorflow, as absolute paths. */
export interface Libtensorflow {
  readonly include: string;
  /** The library with the C API. */
  readonly library: string;
  readonly framework: string;
  /** The folder with the CUDA libraries of NVIDIA's wheels; undefined if the system must provide them. */
  readonly nvidia?: string;
}

const HEADER = 'tensorflow/c/eager/c_api.h';
/** In wheels, and in archives with the C library alone. */
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow.so.2'];
const FRAMEWORK = 'libtensorflow_framework.so.2';

/** Finds libtensorflow in the unpacked archive of the C library, or in `tensorflow` of site-packages. @throws SetupError */
export async function findLibtensorflow(folder: string): Promise<Libtensorflow> {
  const refuse = (expected: string, got: string): never => {
    const hint = 'Pass the unpacked archive of the C library, the folder tensorflow of site-packages, or a wheel.';
    throw new SetupError({ op: folder, expected, got, hint });
  };
  if (!existsSync(folder)) return refuse('a folder with include/ and lib/', 'no such folder');
  const include = resolve(folder, 'include');
  if (!existsSync(join(include, HEADER))) return refuse(`include/${HEADER}`, 'none');
  const lib = [resolve(folder, 'lib'), resolve(folder)].find((place) => existsSync(join(place, FRAMEWORK)));
  if (lib === undefined) return refuse(`lib/${FRAMEWORK}`, 'none');
  const library = LIBRARIES.map((name) => join(lib, name)).find(existsSync);
  if (library === undefined) return refuse(`lib/${LIBRARIES.join(' or lib/')}`, 'none');
  const machine = await machineOf(library);
  if (machine !== process.arch) return refuse(`libraries for ${process.arch}`, machine);
  const nvidia = resolve(folder, '..', 'nvidia');
  return { include, library, framework: join(lib, FRAMEWORK), ...(existsSync(nvidia) && { nvidia }) };
}
