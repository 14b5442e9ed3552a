/** Runtimes that run a file, with weights from a URL over connections that break. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openBreakingServer } from '../breakingServer.js';
import type { Consumer } from '../consumer.js';
import { packedOf } from '../packed.js';
import type { Answer, Finding } from '../report.js';
import { COMMANDS } from './commands.js';

const run = promisify(execFile);

export const fromUrl =
  (name: keyof typeof COMMANDS) =>
  async (consumer: Consumer): Promise<Finding> => {
    const { file, args } = COMMANDS[name];
    if (!existsSync(file)) return { skipped: `no ${name} for ${process.platform} ${process.arch}` };
    const { folder } = consumer;
    const packed = await packedOf(consumer);
    const [whole] = await readAnswers(process.execPath, ['files.mjs'], folder);
    const files = new Map(packed.flatMap((each) => [...each.files]));
    files.set('net.safetensors', await readFile(join(folder, 'net.safetensors')));
    const expected = new Map([['net.safetensors', whole.logits]]);
    for (const each of packed) expected.set(`${each.name}.json`, each.logits);
    const notes: string[] = [];
    for (const [weights, logits] of expected) {
      const server = await openBreakingServer(files);
      try {
        const net = name === 'deno' ? ['--allow-net'] : [];
        const parameters = [...args, ...net, 'files.mjs', `${server.url}/models/${weights}`];
        const answers = await readAnswers(file, parameters, folder);
        const plain = answers.filter(({ build }) => build === 'plain');
        if (plain.length === 0 || plain.some((answer) => answer.logits !== logits)) return `${weights}: other logits`;
        const { requests } = server;
        if (requests.rest === 0 || requests.rest !== requests.whole) {
          return `${weights}: ${requests.whole} requests for entire files, ${requests.rest} for the rest`;
        }
        notes.push(`${weights}: ${requests.whole} files, each resumed where its connection broke`);
      } finally {
        server.close();
      }
    }
    return notes;
  };

async function readAnswers(file: string, args: readonly string[], cwd: string): Promise<Answer[]> {
  const { stdout } = await run(file, [...args], { cwd });
  return JSON.parse(stdout) as Answer[];
}
