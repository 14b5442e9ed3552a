/** A copy of examples/browser, installed with the packed package and started. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Consumer } from '../../consumer.js';
import { copyOf } from '../copy.js';

const run = promisify(execFile);

export interface Site {
  readonly url: string;
  /** Replaces a text of the page and rebuilds it. */
  change(from: string, to: string): Promise<void>;
  stop(): Promise<void>;
}

async function start(folder: string): Promise<Pick<Site, 'url' | 'stop'>> {
  // Its own process group, because npm starts a shell, which starts the server.
  const child = spawn('npm', ['start'], {
    cwd: folder,
    detached: true,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const stop = async (): Promise<void> => {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (isRunning && child.pid !== undefined) process.kill(-child.pid);
    await exit;
  };
  const output: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    if (/^http:\S+$/.test(line)) return { url: line, stop };
    output.push(line);
  }
  throw new Error(`npm start ended: ${output.join('\n')}`);
}

export async function openSite(consumer: Consumer): Promise<Site> {
  const folder = await copyOf('browser', consumer);
  return {
    ...(await start(folder)),
    async change(from, to) {
      const page = join(folder, 'src/index.html');
      const text = await readFile(page, 'utf8');
      if (!text.includes(from)) throw new Error(`the page has no text "${from}"`);
      await writeFile(page, text.replaceAll(from, to));
      await run('npm', ['run', 'build'], { cwd: folder });
    },
  };
}
