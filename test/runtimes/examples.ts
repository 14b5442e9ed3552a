/** The examples, each in a copy of its own with the packed package: what does not hold of it, or null. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, type Consumer } from './consumer.js';
import type { Finding } from './report.js';
import { copyOf } from './examples/copy.js';
import { commandsOf, typed } from './examples/readme.js';
import { judge, type Reply } from './examples/requests.js';
import { judgeServer } from './examples/serve.js';
import { cloudflareWorker } from './examples/cloudflareWorker.js';

/** What the shipped network takes the photograph for. */
const LABEL = 'frog';

type Handler = (event: { body: string; isBase64Encoded: boolean }) => Promise<{ statusCode: number; body: string }>;

/** By the first command of its README. @returns the others */
async function installed(name: string, consumer: Consumer) {
  const [install, ...commands] = await commandsOf(join(ROOT, 'examples', name));
  // Beside the example, as in the clone.
  await copyFile(join(ROOT, 'examples/chelsea.png'), join(consumer.folder, 'chelsea.png'));
  return { copy: await copyOf(name, consumer, install), commands };
}

/** An example that is a server: its README builds, starts and asks it. */
const server =
  (name: string) =>
  async (consumer: Consumer): Promise<Finding> => {
    const { copy, commands } = await installed(name, consumer);
    for (const build of commands.slice(0, -2)) await typed(build, copy);
    const [start, ask] = commands.slice(-2);
    return judgeServer({ start, ask, cwd: copy }, LABEL);
  };

export const EXAMPLES: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  'example-cloudflare-worker': cloudflareWorker,

  async 'example-lambda'(consumer) {
    const { copy, commands } = await installed('lambda', consumer);
    const said = await typed(commands.join(' && '), copy);
    if (!said.includes(`200 {`) || !said.includes(LABEL)) return `${commands.join(' && ')}: ${said}`;
    const { handler } = (await import(pathToFileURL(join(copy, 'index.js')).href)) as { handler: Handler };
    return judge(async (bytes): Promise<Reply> => {
      const { statusCode, body } = await handler({
        body: Buffer.from(bytes).toString('base64'),
        isBase64Encoded: true,
      });
      return { status: statusCode, body: JSON.parse(body) as Reply['body'] };
    }, LABEL);
  },

  'example-deno': server('deno'),
  'example-bun': server('bun'),
  'example-next-edge': server('next-edge'),
};
