import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compile } from './compile.js';
import type { Flavor } from './flavor.js';
import { layOut, type Placement } from './layout.js';
import { findLibtensorflow } from './libtensorflow.js';
import { downloadWheels } from './pip.js';
import { LackError, SetupError, throwAll } from './setupError.js';
import { findTools, type Tools } from './tools.js';
import { unpackCuda, unpackTensorflow } from './wheel.js';

/** Where libtensorflow comes from. */
export type Source = { readonly kind: 'pip' } | { readonly kind: 'wheel' | 'folder'; readonly path: string };

/** Parses the option `--libtensorflow`. @throws SetupError */
export async function sourceOf(option: string): Promise<Source> {
  if (option === 'pip') return { kind: 'pip' };
  const status = await stat(option).catch(() => undefined);
  if (status?.isDirectory()) return { kind: 'folder', path: option };
  if (status?.isFile() && option.endsWith('.whl')) return { kind: 'wheel', path: option };
  throw new SetupError({
    op: '--libtensorflow',
    expected: 'a folder, a .whl file, or pip',
    got: status === undefined ? `${option}, which does not exist` : option,
    hint: 'Check the path, or pass pip to download a wheel.',
  });
}

/** Finds the tools that a source needs. @throws SetupError, or AggregateError of several */
export async function toolsFor({ kind }: Source, env = process.env): Promise<Tools> {
  if (process.platform !== 'linux') {
    const hint = 'Leave --libtensorflow out: on this system the package can only be downloaded ready-made.';
    throw new LackError({ op: 'system', expected: 'Linux to build the addon', got: process.platform, hint });
  }
  const { tools, missing } = await findTools({ python: kind !== 'folder', pip: kind === 'pip' }, env);
  throwAll(missing);
  return tools;
}

/** The folder with libtensorflow: the given one, or a wheel that is unpacked in `scratch`. */
async function prepareLibtensorflow(
  flavor: Flavor,
  source: Source,
  python: string,
  scratch: string,
  log: (line: string) => void,
): Promise<string> {
  if (source.kind === 'folder') return source.path;
  const unpacked = join(scratch, 'unpacked');
  if (source.kind === 'wheel') {
    log('unpacking the wheel');
    return unpackTensorflow(python, source.path, unpacked, flavor);
  }
  log(`downloading ${flavor.wheel} with pip: several hundred megabytes`);
  const [wheel] = await downloadWheels(python, [flavor.wheel], join(scratch, 'tensorflow'));
  if (flavor.cuda.length > 0) {
    log('downloading the CUDA libraries with pip: several gigabytes');
    const wheels = await downloadWheels(python, flavor.cuda, join(scratch, 'cuda'));
    for (const cudaWheel of wheels) await unpackCuda(python, cudaWheel, unpacked);
  }
  log('unpacking the wheel');
  return unpackTensorflow(python, wheel, unpacked, flavor);
}

/** Builds the addon of a package that is installed in a folder without its addon. */
export async function build(
  flavor: Flavor,
  source: Source,
  { python, compiler }: Tools,
  into: string,
  packageFolder: string,
  log: (line: string) => void,
): Promise<void> {
  const scratch = join(into, 'scratch');
  await mkdir(scratch);
  const folder = await prepareLibtensorflow(flavor, source, python, scratch, log);
  const libtensorflow = await findLibtensorflow(folder);
  // A folder of the user stays as it is.
  const placement: Placement = source.kind === 'folder' ? 'link' : 'move';
  await layOut(libtensorflow, packageFolder, placement);
  log('compiling the addon');
  await compile({
    compiler,
    include: libtensorflow.include,
    modules: join(into, 'node_modules'),
    package: packageFolder,
  });
  // The headers and the wheel are not needed at run time.
  await rm(scratch, { recursive: true });
}
