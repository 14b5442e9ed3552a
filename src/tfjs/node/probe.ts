import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import type { EngineName } from '../engineReport.js';
import { absent, locate, type EngineState } from './open.js';

/**
 * What an engine is, asked in a process of its own: one that was opened stays in its process, where it may stand in the way of
 * another, keep it from ending, or end it.
 */
export async function probe(name: EngineName): Promise<EngineState> {
  try {
    locate(name);
  } catch (error) {
    return absent(name, error);
  }
  const script = createRequire(import.meta.url).resolve('#tfjs/probe');
  return new Promise((resolve, reject) => {
    const child = fork(script, [name], {
      execArgv: [],
      env: process.env,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('message', (state) => {
      resolve(state as EngineState);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(absent(name, new Error(`its process ends with ${signal ?? `exit status ${code}`}`)));
    });
  });
}
