/** Runs the built command line in its own process, in a folder. */
import { afterAll, beforeAll } from '@jest/globals';
import { fork, spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors } from '../../src/io/safetensors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { readFile } from 'node:fs/promises';
import { runHere } from './runHere.js';

const MAIN = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url));
const HOST = fileURLToPath(new URL('host.js', import.meta.url));

/** Milliseconds after which a test counts as hanging. A process starts within half a second, on a quiet machine. */
export const PATIENCE = 300_000;

type Process = ChildProcessByStdio<null, Readable, Readable>;

export interface Outcome {
  /** Null if a signal ended the process. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Limits {
  /** The largest file size in kilobytes, set by a shell: writing fails in the middle, as on a full disk. */
  readonly fileSize?: number;
  /** Makes stderr report that it is a terminal. */
  readonly terminal?: true;
  /** A module to run in the process before the command. */
  readonly preload?: string;
  /** A file that a shell makes stdout, whose text is then not collected. */
  readonly log?: string;
}

/** The mutation tests run commands in the process of the tests, from src/, where the mutants are. */
const IN_PROCESS = process.env['VANILLANET_IN_PROCESS'] === '1';

/** Without VANILLANET_DATA, which would name other data. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, VANILLANET_DATA: '' });
const TERMINAL = 'process.stderr.isTTY=true';
const importing = (code: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
});

export function start(
  args: readonly string[],
  cwd: string,
  { fileSize, terminal, preload = terminal ? TERMINAL : undefined, log }: Limits = {},
): Process {
  const command = [process.execPath, MAIN, ...args];
  const script = [
    ...(fileSize === undefined ? [] : [`ulimit -f ${fileSize}`]),
    ...(log === undefined ? [] : ['exec > "$LOG"']),
    'exec "$@"',
  ];
  const [file, ...rest] = script.length === 1 ? command : ['bash', '-c', script.join('; '), 'bash', ...command];
  const env = {
    ...environment(),
    ...(preload === undefined ? {} : importing(preload)),
    ...(log === undefined ? {} : { LOG: log }),
  };
  return spawn(file, rest, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Waits for a process and collects its output. */
export async function outcomeOf(child: Process): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (status) => {
      resolve({ status, ...output });
    });
  });
}

/** Runs `vanillanet …args` in a folder. */
export const vanillanet = (args: readonly string[], cwd: string, limits: Limits = {}): Promise<Outcome> =>
  IN_PROCESS && limits.fileSize === undefined && limits.preload === undefined
    ? runInProcess(args, cwd, limits)
    : outcomeOf(start(args, cwd, limits));

async function runInProcess(args: readonly string[], cwd: string, { terminal }: Limits = {}): Promise<Outcome> {
  process.env['VANILLANET_DATA'] = '';
  const { main } = await import('../../src/cli/program.js');
  return runHere(main, args, cwd, { terminal: terminal === true });
}

/** Runs a command in a folder: `vanillanet`, or the function that `hosted` returns. */
type Run = (args: readonly string[], cwd: string) => Promise<Outcome>;

/** The stdout of a command that must succeed. @throws Error with its stderr */
export async function printed(args: readonly string[], cwd: string, run: Run = vanillanet): Promise<string> {
  const { status, stdout, stderr } = await run(args, cwd);
  if (status !== 0 || stderr !== '') throw new Error(`${args.join(' ')}: exit status ${status}, ${stderr}`);
  return stdout;
}

/** The parsed output of a command with --json. */
export const answered = async (args: readonly string[], cwd: string, run: Run = vanillanet): Promise<unknown> =>
  JSON.parse(await printed([...args, '--json'], cwd, run)) as unknown;

/** The tensor `logits` in a file of `run`. */
export async function logitsIn(path: string): Promise<Tensor> {
  const logits = decodeSafetensors(await readFile(path), path).tensors.get('logits');
  if (logits === undefined) throw new Error(`no logits in ${path}`);
  return logits;
}

/** Like `vanillanet`, but in one process for all tests of a file, because starting one takes longer than most commands. */
export function hosted(): Run {
  if (IN_PROCESS) return runInProcess;
  let host: ChildProcess;
  beforeAll(() => {
    host = fork(HOST, { env: environment(), execArgv: [] });
  });
  afterAll(() => {
    host.disconnect();
  });
  return async (args, cwd) => {
    host.send({ args, cwd });
    const [outcome] = (await once(host, 'message')) as [Outcome];
    return outcome;
  };
}
