import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './freePort.js';
import { ENVIRONMENT, typed } from './readme.js';
import { judge, judgeOverfull, type Reply } from './requests.js';

/** Milliseconds in which a server is to listen. */
const PATIENCE = 60_000;

export interface Server {
  /** Commands of its README: what starts it, and what asks it where it listens by itself. */
  readonly start: string;
  readonly ask: string;
  readonly cwd: string;
}

/**
 * Starts an example's server, and ends it.
 *
 * @param use is given what its README asks it by, and the address in that
 */
export async function served<T>(
  { start, ask, cwd }: Server,
  use: (command: string, url: string) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const child = spawn('sh', ['-c', start], { cwd, env: { ...ENVIRONMENT, PORT: `${port}` }, detached: true });
  const command = ask.replace(/localhost:\d+/, `localhost:${port}`);
  const [url] = /http:\S+/.exec(command) ?? [];
  if (url === undefined) throw new Error(`expected an address in ${ask}`);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    const begin = performance.now();
    while ((await fetch(url).catch(() => null)) === null) {
      if (child.exitCode !== null || performance.now() - begin > PATIENCE)
        throw new Error(`it does not listen: ${said}`);
      await setTimeout(100);
    }
    return await use(command, url);
  } finally {
    // Its children, too: a package manager's script is not the server itself.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  }
}

/** Asks an example's server. @returns what was not as it should be; null where all was */
export const judgeServer = (server: Server, label: string): Promise<string | null> =>
  served(server, async (command, url) => {
    const answer = await typed(command, server.cwd);
    if (!answer.includes(label)) return `${command}: ${answer}`;
    const post = async (body: Uint8Array): Promise<Reply> => {
      const response = await fetch(url, { method: 'POST', body: new Uint8Array(body) });
      return { status: response.status, body: (await response.json()) as Reply['body'] };
    };
    return (await judge(post, label)) ?? judgeOverfull(post);
  });
