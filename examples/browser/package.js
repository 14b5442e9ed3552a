/** Where the package is that the example is about. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Its folder, with what `npm publish` would build: beside a fresh clone nothing is built yet. */
export function builtPackage() {
  const folder = dirname(createRequire(import.meta.url).resolve('vanillanet/package.json'));
  const npm = (...args) => {
    console.log(`${folder}: npm ${args.join(' ')}`);
    // npm is a script on Windows, which only a shell starts.
    execFileSync('npm', args, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
  };
  if (!existsSync(join(folder, 'dist/src/entries/index.js'))) {
    if (!existsSync(join(folder, 'node_modules'))) npm('ci');
    npm('run', 'build');
  }
  return folder;
}
