/** AWS Lambda: a handler behind a simulation of the Runtime API, which delivers events and receives answers. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const LOOP = fileURLToPath(new URL('../programs/lambdaLoop.mjs', import.meta.url));

export async function lambda({ folder, photograph }: Consumer): Promise<readonly Answer[]> {
  const event = JSON.stringify({ body: Buffer.from(photograph.data).toString('base64'), isBase64Encoded: true });
  const { promise: result, resolve, reject } = withResolvers<string>();
  let isDelivered = false;
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/invocation/next')) {
      // As on Lambda, the loop waits for the next event, which never arrives.
      if (isDelivered) return;
      isDelivered = true;
      response.setHeader('Lambda-Runtime-Aws-Request-Id', 'one').end(event);
      return;
    }
    void text(request).then((body) => {
      response.statusCode = 202;
      response.end();
      if (request.url?.endsWith('/invocation/one/response')) resolve(body);
      else reject(new Error(`${request.url}: ${body}`));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = fork(LOOP, {
    execArgv: [],
    cwd: folder,
    env: { ...process.env, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` },
  });
  child.on('exit', (code) => {
    reject(new Error(`the loop ended with status ${code}`));
  });
  try {
    const { statusCode, body } = JSON.parse(await result) as { statusCode: number; body: string };
    if (statusCode !== 200) throw new Error(`status ${statusCode}: ${body}`);
    return JSON.parse(body) as Answer[];
  } finally {
    child.removeAllListeners('exit');
    child.kill();
    server.closeAllConnections();
    server.close();
  }
}

/** Node 20 has no `Promise.withResolvers`. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
}
