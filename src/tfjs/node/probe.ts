import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import type { EngineName } from '../engineReport.js';
import { absent, locate, type EngineState } from './open.js';

/** Milliseconds for a driver to be loaded, and to go: whoever takes longer hangs. */
const PATIENCE = 60_000;
/** Characters of what was said last that are kept. */
const KEPT = 1000;

/** The last line that says what is wrong: where it was thrown, and by which Node, is for others. */
const lastLine = (text: string): string | undefined =>
  text
    .split('\n')
    .findLast((line) => !/^\s*$|^\s+at |^Node\.js v/.test(line))
    ?.trim();

/**
 * What an engine is, asked in a process of its own: one that was opened stays in its process, where it may stand in the way of
 * another, keep it from ending, or end it.
 */
export async function probe(name: EngineName, patience = PATIENCE): Promise<EngineState> {
  try {
    locate(name);
    return await ask(name, patience);
  } catch (error) {
    return absent(name, error);
  }
}

function ask(name: EngineName, patience: number): Promise<EngineState> {
  const script = createRequire(import.meta.url).resolve('#tfjs/probe');
  return new Promise((resolve, reject) => {
    const child = fork(script, [name], {
      execArgv: [],
      env: process.env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    const refuse = (reason: string): void => {
      reject(new Error([reason, lastLine(said)].filter((part) => part !== undefined).join(': ')));
    };
    // Not only for its answer: it may hang when it is to end, and somebody else hold what it speaks through.
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stderr?.destroy();
      refuse(`its process says nothing within ${patience / 1000} s, and was ended`);
    }, patience);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT);
    });
    child.on('message', (state) => {
      resolve(state as EngineState);
    });
    child.on('error', ({ message }) => {
      clearTimeout(timer);
      refuse(message);
    });
    // Not at its exit: what it said last may still be on its way.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      refuse(`its process ends with ${signal ?? `exit status ${code}`}`);
    });
  });
}
