import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { machineOf } from './machineOf.js';
import { SetupError } from './setupError.js';

/** A libtensorflow that can be built against. All are whole paths. */
export interface Libtensorflow {
  readonly include: string;
  /** With the C API in it. */
  readonly library: string;
  readonly framework: string;
  /** CUDA's libraries from NVIDIA's wheels, each in a folder of its own; undefined where the system has to have them. */
  readonly nvidia?: string;
}

const HEADER = 'tensorflow/c/eager/c_api.h';
/** Of the wheels and of the archives with the C library alone. */
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow.so.2'];
const FRAMEWORK = 'libtensorflow_framework.so.2';

/** Looks through a folder: that of the C library's archive, or `tensorflow` of a Python's site-packages. */
export async function findLibtensorflow(folder: string): Promise<Libtensorflow> {
  const refuse = (expected: string, got: string): never => {
    const remedy = 'Pass the unpacked archive of the C library, the folder tensorflow of site-packages, or a wheel';
    throw new SetupError({ op: folder, expected, got, remedy });
  };
  if (!existsSync(folder)) return refuse('a folder with include/ and lib/', 'nothing of that name');
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
