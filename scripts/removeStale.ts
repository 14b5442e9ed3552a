/** Removes what tsc compiled of sources that have been renamed or deleted: it would be packed. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

for (const folder of ['src', 'reference']) {
  for (const name of await readdir(join('dist', folder), { recursive: true })) {
    const source = join(folder, name.replace(/(\.d\.ts(\.map)?|\.js)$/, '.ts'));
    if (source.endsWith('.ts') && !existsSync(source)) await rm(join('dist', folder, name));
  }
}
