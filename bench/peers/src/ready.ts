import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE, ROOT } from './paths.js';

type Say = (text: string) => void;

function runOrExit(say: Say, program: string, ...parameters: readonly string[]): void {
  const { status } = spawnSync(program, parameters, { cwd: ROOT, stdio: ['ignore', process.stderr, 'inherit'] });
  if (status === 0) return;
  say(`${program} ${parameters.join(' ')} failed`);
  process.exit(1);
}

/**
 * Installs the peers where one is missing, compiles this package, and has the models written.
 *
 * @param prepare the compiled script that writes them
 */
export function makeReady(say: Say, prepare: string): void {
  // The one that came last: without it, what is installed is from before.
  if (!existsSync(join(PACKAGE, 'node_modules/@jax-js/jax'))) {
    say('installing the peers, half a gigabyte, once');
    runOrExit(say, 'npm', 'ci', '--ignore-scripts', '--prefix', 'bench/peers');
  }
  runOrExit(say, process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'bench/peers');
  runOrExit(say, process.execPath, prepare);
}
