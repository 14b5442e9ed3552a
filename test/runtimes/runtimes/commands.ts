/** Runtimes that run a file: Node, Deno, Bun. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const run = promisify(execFile);
const installed = (path: string): string => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));

export const COMMANDS = {
  'node-20': { file: installed('node20/bin/node'), args: [] },
  'node-22': { file: installed('node22/bin/node'), args: [] },
  'node-24': { file: installed('node24/bin/node'), args: [] },
  'node-26': { file: installed('node26/bin/node'), args: [] },
  deno: { file: installed('@deno/linux-x64-glibc/deno'), args: ['run', '--allow-read', '--allow-sys', '--no-prompt'] },
  bun: { file: installed('@oven/bun-linux-x64/bin/bun'), args: ['run'] },
} as const;

export const command =
  (name: keyof typeof COMMANDS) =>
  async ({ folder }: Consumer): Promise<readonly Answer[] | string> => {
    const { file, args } = COMMANDS[name];
    if (!existsSync(file)) return `no ${name} for ${process.platform} ${process.arch}`;
    const { stdout } = await run(file, [...args, 'files.mjs'], { cwd: folder });
    return JSON.parse(stdout) as Answer[];
  };
