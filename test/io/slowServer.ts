/** A server that breaks off, stalls and forgets, as it is told by the path. */
import { afterAll, beforeAll } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse, asked: number) => void;

export interface Asked {
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/**
 * For the tests of one file.
 *
 * @returns what gives a path to an answer, its URL, and what was asked for there
 */
export function slowServer(): (answer: Answer) => { url: string; asked: Asked[] } {
  const answers: Answer[] = [];
  const asked: Asked[][] = [];
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const which = Number(request.url?.slice(1));
      const { range, 'if-range': ifRange } = request.headers;
      asked[which].push({ range, ifRange: ifRange as string | undefined });
      answers[which](request, response, asked[which].length);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return (answer) => {
    const which = answers.push(answer) - 1;
    asked.push([]);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${which}`, asked: asked[which] };
  };
}

/** Of a file: so many bytes from where the request asks, and then the connection breaks. */
export const breaking =
  (bytes: Uint8Array, count: number, headers: Record<string, string>): Answer =>
  ({ headers: { range } }, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const rest = bytes.subarray(from, from + count);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': bytes.length - from,
      ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      ...headers,
    });
    response.flushHeaders();
    if (rest.length === bytes.length - from) response.end(rest);
    else if (rest.length === 0) response.destroy();
    // What was written must have left before the connection goes.
    else response.write(rest, () => setTimeout(() => response.destroy(), 20));
  };
