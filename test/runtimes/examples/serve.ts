import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './freePort.js';
import { judge, type Reply } from './requests.js';

/** Milliseconds in which a server is to listen. */
const PATIENCE = 60_000;

/** Starts an example's server, and asks it. @returns what was not as it should be; null where all was */
export async function judgeServer(
  { file, args, cwd, path = '/' }: { file: string; args: readonly string[]; cwd: string; path?: string },
  label: string,
): Promise<string | null> {
  const port = await freePort();
  const child = spawn(file, args, { cwd, env: { ...process.env, PORT: `${port}` }, detached: true });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const url = `http://localhost:${port}${path}`;
  try {
    const begin = performance.now();
    while ((await fetch(url).catch(() => null)) === null) {
      if (child.exitCode !== null || performance.now() - begin > PATIENCE) return `it does not listen: ${said}`;
      await setTimeout(100);
    }
    const post = async (body: Uint8Array): Promise<Reply> => {
      const response = await fetch(url, { method: 'POST', body });
      return { status: response.status, body: (await response.json()) as Reply['body'] };
    };
    return await judge(post, label);
  } finally {
    // Its children, too: a package manager's script is not the server itself.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  }
}
