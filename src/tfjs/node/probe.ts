import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import type { EngineName } from '../engineReport.js';
import { locate, unavailableState, type EngineState } from './open.js';

/** Time for a driver to load and to unload, in milliseconds. */
const TIMEOUT = 60_000;
/** How many characters of the child's stderr are kept. */
const STDERR_LENGTH = 1000;

/** The last line of stderr that describes the error: not a stack frame, not the version of Node. */
const lastLine = (text: string): string | undefined =>
  text
    .split('\n')
    .findLast((line) => !/^\s*$|^\s+at |^Node\.js v/.test(line))
    ?.trim();

/**
 * The state of an engine. The engine is opened in a child process: it cannot be unloaded again, may exclude another
 * engine, keep its process alive, or crash it.
 *
 * @param timeout in milliseconds
 */
export async function probe(name: EngineName, timeout = TIMEOUT): Promise<EngineState> {
  try {
    locate(name);
    return await probeInChild(name, timeout);
  } catch (error) {
    return unavailableState(name, error);
  }
}

function probeInChild(name: EngineName, timeout: number): Promise<EngineState> {
  const script = createRequire(import.meta.url).resolve('#tfjs/probe');
  return new Promise((resolve, reject) => {
    const child = fork(script, [name], {
      execArgv: [],
      env: process.env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    const fail = (reason: string): void => {
      reject(new Error([reason, lastLine(stderr)].filter((part) => part !== undefined).join(': ')));
    };
    // Runs until the child has closed, not only until it answers: it may hang at exit, and a process that it started
    // may keep its stderr open.
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stderr?.destroy();
      fail(`its process did not answer within ${timeout / 1000} s and was killed`);
    }, timeout);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_LENGTH);
    });
    child.on('message', (state) => {
      resolve(state as EngineState);
    });
    child.on('error', ({ message }) => {
      clearTimeout(timer);
      fail(message);
    });
    // 'close' and not 'exit': at exit, the last lines of stderr may not have arrived.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      fail(`its process ended with ${signal ?? `exit status ${code}`}`);
    });
  });
}
