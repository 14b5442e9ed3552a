/** Finds the package `vanillanet`. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The package's folder. In a fresh clone, builds the package first. */
export function builtPackage() {
  const folder = dirname(createRequire(import.meta.url).resolve('vanillanet/package.json'));
  const npm = (...args) => {
    console.log(`${folder}: npm ${args.join(' ')}`);
    // On Windows npm is a .cmd file, which only a shell can start.
    execFileSync('npm', args, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
  };
  if (!existsSync(join(folder, 'dist/src/entries/index.js'))) {
    if (!existsSync(join(folder, 'node_modules'))) npm('ci');
    npm('run', 'build');
  }
  return folder;
}
