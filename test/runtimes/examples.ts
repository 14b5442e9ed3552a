/** The examples, each in a copy of its own with the packed package: what does not hold of it, or null. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Consumer } from './consumer.js';
import type { Finding } from './report.js';
import { built, installed, LABEL } from './examples/installed.js';
import { typed } from './examples/readme.js';
import { judge, type Reply } from './examples/requests.js';
import { judgeServer } from './examples/serve.js';
import { cloudflareWorker } from './examples/cloudflareWorker.js';

type Handler = (event: { body: string; isBase64Encoded: boolean }) => Promise<{ statusCode: number; body: string }>;

/** An example that is a server: its README builds, starts and asks it. */
const server =
  (name: string) =>
  async (consumer: Consumer): Promise<Finding> =>
    judgeServer(await built(await installed(name, consumer)), LABEL);

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
};
