/** Tests of the examples, each in its own copy with the packed package. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Consumer } from './consumer.js';
import type { Finding } from './report.js';
import { buildExample, installExample, LABEL } from './examples/installExample.js';
import { runCommand } from './examples/readme.js';
import { judge, type Reply } from './examples/requests.js';
import { judgeServer } from './examples/serve.js';
import { cloudflareWorker } from './examples/cloudflareWorker.js';

type Handler = (event: { body: string; isBase64Encoded: boolean }) => Promise<{ statusCode: number; body: string }>;

/** An example that is a server: the commands of its README build it, start it, and send a request. */
const server =
  (name: string) =>
  async (consumer: Consumer): Promise<Finding> =>
    judgeServer(await buildExample(await installExample(name, consumer)), LABEL);

export const EXAMPLES: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  'example-cloudflare-worker': cloudflareWorker,

  async 'example-lambda'(consumer) {
    const { copy, commands } = await installExample('lambda', consumer);
    const output = await runCommand(commands.join(' && '), copy);
    if (!output.includes(`200 {`) || !output.includes(LABEL)) return `${commands.join(' && ')}: ${output}`;
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
