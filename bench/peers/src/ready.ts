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
 * Installs the peers if one is missing, compiles this package, and runs the script that writes the models.
 *
 * @param prepare path of the compiled script that writes the models
 */
export function makeReady(say: Say, prepare: string): void {
  // The peer that was added last: if it is missing, the installation is out of date.
  if (!existsSync(join(PACKAGE, 'node_modules/@jax-js/jax'))) {
    say('installing the peers (once, half a gigabyte)');
    runOrExit(say, 'npm', 'ci', '--ignore-scripts', '--prefix', 'bench/peers');
  }
  runOrExit(say, process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'bench/peers');
  runOrExit(say, process.execPath, prepare);
}
