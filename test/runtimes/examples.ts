/** The examples, each in a copy of its own with the packed package: what does not hold of it, or null. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Consumer } from './consumer.js';
import type { Finding } from './report.js';
import { copyOf } from './examples/copy.js';
import { judge, type Reply } from './examples/requests.js';
import { judgeServer } from './examples/serve.js';
import { cloudflareWorker } from './examples/cloudflareWorker.js';
import { COMMANDS } from './runtimes/commands.js';

const run = promisify(execFile);

/** What the shipped network takes the photograph for. */
const LABEL = 'frog';

type Handler = (event: { body: string; isBase64Encoded: boolean }) => Promise<{ statusCode: number; body: string }>;

export const EXAMPLES: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  'example-cloudflare-worker': cloudflareWorker,

  async 'example-lambda'(consumer) {
    const copy = await copyOf('lambda', consumer);
    const { handler } = (await import(pathToFileURL(join(copy, 'index.js')).href)) as { handler: Handler };
    return judge(async (bytes): Promise<Reply> => {
      const { statusCode, body } = await handler({
        body: Buffer.from(bytes).toString('base64'),
        isBase64Encoded: true,
      });
      return { status: statusCode, body: JSON.parse(body) as Reply['body'] };
    }, LABEL);
  },

  async 'example-deno'(consumer) {
    const cwd = await copyOf('deno', consumer);
    return judgeServer({ file: COMMANDS.deno.file, args: ['task', 'start'], cwd }, LABEL);
  },

  async 'example-bun'(consumer) {
    const cwd = await copyOf('bun', consumer);
    return judgeServer({ file: COMMANDS.bun.file, args: ['main.ts'], cwd }, LABEL);
  },

  async 'example-next-edge'(consumer) {
    const cwd = await copyOf('next-edge', consumer);
    await run('npm', ['run', 'build'], { cwd, env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });
    return judgeServer({ file: 'npm', args: ['start'], cwd, path: '/api/classify' }, LABEL);
  },
};
