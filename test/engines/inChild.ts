import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineRun } from '../tfjs/engineReport.js';
import type { NodeEngine } from './nodeEngine.js';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

/** Runs an engine in a child process. @throws Error if the child exits without a result */
export function inChild(engine: NodeEngine, env: NodeJS.ProcessEnv): Promise<EngineRun> {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [engine], {
      execArgv: ['--import', './scripts/ts-node.js'],
      env: { ...process.env, ...env },
      // The default, JSON, has no infinity.
      serialization: 'advanced',
    });
    let run: EngineRun | null = null;
    child.on('message', (message) => (run = message as EngineRun));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (run !== null) resolve(run);
      else reject(new Error(`its process ended with ${signal ?? `exit status ${code}`}`));
    });
  });
}
