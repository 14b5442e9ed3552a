import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compile } from './compile.js';
import type { Flavor } from './flavor.js';
import { layOut, type Bring } from './layout.js';
import { findLibtensorflow } from './libtensorflow.js';
import { downloadWheels } from './pip.js';
import { LackError, SetupError, throwAll } from './setupError.js';
import { findTools, type Tools } from './tools.js';
import { unpackCuda, unpackTensorflow } from './wheel.js';

/** Where libtensorflow comes from. */
export type Source = { readonly kind: 'pip' } | { readonly kind: 'wheel' | 'folder'; readonly path: string };

/** What `--libtensorflow` means. */
export async function sourceOf(given: string): Promise<Source> {
  if (given === 'pip') return { kind: 'pip' };
  const found = await stat(given).catch(() => undefined);
  if (found?.isDirectory()) return { kind: 'folder', path: given };
  if (found?.isFile() && given.endsWith('.whl')) return { kind: 'wheel', path: given };
  throw new SetupError({
    op: '--libtensorflow',
    expected: 'a folder, a file .whl, or pip',
    got: found === undefined ? `${given}, which is not there` : given,
    remedy: 'Check the path; pip downloads a wheel',
  });
}

/** The tools for that. @throws SetupError, or AggregateError of them */
export async function toolsFor({ kind }: Source, env = process.env): Promise<Tools> {
  if (process.platform !== 'linux') {
    const remedy = 'Here there is only what the package itself downloads: leave --libtensorflow out';
    throw new LackError({ op: 'system', expected: 'Linux to build on', got: process.platform, remedy });
  }
  const { tools, missing } = await findTools({ python: kind !== 'folder', pip: kind === 'pip' }, env);
  throwAll(missing);
  return tools;
}

/** Builds the addon of the package that lies installed in a folder. */
export async function build(
  flavor: Flavor,
  source: Source,
  { python, compiler }: Tools,
  into: string,
  packageFolder: string,
  say: (line: string) => void,
): Promise<void> {
  const scratch = join(into, 'scratch');
  await mkdir(scratch);
  let folder;
  let bring: Bring = 'move';
  if (source.kind === 'folder') {
    folder = source.path;
    bring = 'link';
  } else {
    let wheel;
    if (source.kind === 'wheel') wheel = source.path;
    else {
      say(`${flavor.wheel} by pip: some hundred megabytes`);
      [wheel] = await downloadWheels(python, [flavor.wheel], join(scratch, 'tensorflow'));
      if (flavor.cuda.length > 0) {
        say("CUDA's libraries by pip: some gigabytes");
        const wheels = await downloadWheels(python, flavor.cuda, join(scratch, 'cuda'));
        for (const one of wheels) await unpackCuda(python, one, join(scratch, 'unpacked'));
      }
    }
    say('unpacking the wheel');
    folder = await unpackTensorflow(python, wheel, join(scratch, 'unpacked'), flavor);
  }
  const libtensorflow = await findLibtensorflow(folder);
  await layOut(libtensorflow, packageFolder, bring);
  say('compiling the addon');
  await compile({
    compiler,
    include: libtensorflow.include,
    modules: join(into, 'node_modules'),
    package: packageFolder,
  });
  // The headers and the wheel are not needed to run.
  await rm(scratch, { recursive: true });
}
