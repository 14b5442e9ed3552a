import { mkdir, rename, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Libtensorflow } from './libtensorflow.js';

/** Into the package's own folder, or named from there. */
export type Bring = 'move' | 'link';

/** Puts libtensorflow where the package looks for it, under the names by which it is linked and loaded. */
export async function layOut(
  { library, framework, nvidia }: Libtensorflow,
  packageFolder: string,
  bring: Bring,
): Promise<void> {
  const lib = join(packageFolder, 'deps', 'lib');
  await mkdir(lib, { recursive: true });
  const place = bring === 'move' ? rename : symlink;
  for (const file of [library, framework]) await place(file, join(lib, basename(file)));
  // What `-ltensorflow` finds; the .so.2 of the same name may be the file itself.
  await symlink(basename(library), join(lib, 'libtensorflow.so'));
  await symlink(basename(framework), join(lib, 'libtensorflow_framework.so'));
  // The wheel's libraries look for CUDA in the folder beside their own.
  if (nvidia !== undefined) await place(nvidia, join(packageFolder, 'deps', 'nvidia'));
}
