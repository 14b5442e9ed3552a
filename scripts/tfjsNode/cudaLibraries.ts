import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The CUDA libraries of NVIDIA's wheels: their folders, and the files that programs link. */
export async function cudaLibraries(nvidia: string): Promise<{ folders: string[]; files: string[] }> {
  if (!existsSync(nvidia)) return { folders: [], files: [] };
  const folders = (await readdir(nvidia))
    .sort()
    .map((name) => join(name, 'lib'))
    .filter((folder) => existsSync(join(nvidia, folder)));
  const files: string[] = [];
  for (const folder of folders) {
    const names = (await readdir(join(nvidia, folder))).sort();
    files.push(...names.filter((name) => /^lib[^.]+\.so\.\d+$/.test(name)).map((name) => join(folder, name)));
  }
  return { folders, files };
}
