import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './freePort.js';
import { ENVIRONMENT, runCommand } from './readme.js';
import { judge, judgeOverfull, type Omissions, type Reply } from './requests.js';

/** Milliseconds until a server counts as hung. On a busy machine, a start that builds first takes minutes. */
const START_TIMEOUT = 600_000;

export interface Server {
  /** The commands of its README that start it and send a request to it. */
  readonly start: string;
  readonly ask: string;
  readonly cwd: string;
}

/**
 * Runs an example's server on a free port while `use` runs.
 *
 * @param use called with the README's command for a request, and the address in it
 */
export async function withServer<T>(
  { start, ask, cwd }: Server,
  use: (command: string, url: string) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const child = spawn('sh', ['-c', start], { cwd, env: { ...ENVIRONMENT, PORT: `${port}` }, detached: true });
  const command = ask.replace(/localhost:\d+/, `localhost:${port}`);
  const [url] = /http:\S+/.exec(command) ?? [];
  if (url === undefined) throw new Error(`expected an address in ${ask}`);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    const begin = performance.now();
    while ((await fetch(url).catch(() => null)) === null) {
      if (child.exitCode !== null || performance.now() - begin > START_TIMEOUT)
        throw new Error(`the server does not listen: ${output}`);
      await setTimeout(100);
    }
    return await use(command, url);
  } catch (error) {
    throw new Error(`the server printed: ${output}`, { cause: error });
  } finally {
    // The whole process group: the server is a child of the package manager.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  }
}

/** Sends requests to an example's server. @returns the first wrong answer; null if all are right */
export const judgeServer = (server: Server, label: string, omissions?: Omissions): Promise<string | null> =>
  withServer(server, async (command, url) => {
    const answer = await runCommand(command, server.cwd);
    if (!answer.includes(label)) throw new Error(`${command}: ${answer}`);
    const post = async (body: Uint8Array): Promise<Reply> => {
      const response = await fetch(url, { method: 'POST', body: new Uint8Array(body) });
      return { status: response.status, body: (await response.json()) as Reply['body'] };
    };
    return (await judge(post, label, omissions)) ?? judgeOverfull(post);
  });
