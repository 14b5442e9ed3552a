/**
 * Removes files from dist/ that would be packed needlessly or without their counterpart: what tsc compiled of sources
 * that have been renamed or deleted; and the maps of the declarations of src/, whose sources are not in the package.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MAP_COMMENT = /^\/\/# sourceMappingURL=.*\.d\.ts\.map\s*$/m;

for (const folder of ['src', 'reference']) {
  for (const name of await readdir(join('dist', folder), { recursive: true })) {
    const file = join('dist', folder, name);
    const source = join(folder, name.replace(/(\.d\.ts(\.map)?|\.js)$/, '.ts'));
    if (source.endsWith('.ts') && !existsSync(source)) await rm(file);
    else if (folder === 'src' && name.endsWith('.d.ts.map')) await rm(file);
    else if (folder === 'src' && name.endsWith('.d.ts')) {
      const text = await readFile(file, 'utf8');
      if (MAP_COMMENT.test(text)) await writeFile(file, text.replace(MAP_COMMENT, ''));
    }
  }
}
