import { mkdir, rename, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Libtensorflow } from './libtensorflow.js';

/** Whether files are moved into the package, or linked from it. */
export type Placement = 'move' | 'link';

/** Puts libtensorflow where the package looks for it, under the names by which it is linked and loaded. */
export async function layOut(
  { library, framework, nvidia }: Libtensorflow,
  packageFolder: string,
  placement: Placement,
): Promise<void> {
  const lib = join(packageFolder, 'deps', 'lib');
  await mkdir(lib, { recursive: true });
  const place = placement === 'move' ? rename : symlink;
  for (const file of [library, framework]) await place(file, join(lib, basename(file)));
  // The name that `-ltensorflow` looks for.
  await symlink(basename(library), join(lib, 'libtensorflow.so'));
  await symlink(basename(framework), join(lib, 'libtensorflow_framework.so'));
  // The libraries of the wheel look for CUDA in ../nvidia.
  if (nvidia !== undefined) await place(nvidia, join(packageFolder, 'deps', 'nvidia'));
}
