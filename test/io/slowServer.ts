/** A server for tests whose connections stall or break; every path has its own handler. */
import { afterAll, beforeAll } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers the `count`-th request of a path. */
export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** The headers of a request for a part of a file. */
export interface RangeRequest {
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/**
 * Starts a server for the tests of one file.
 *
 * @returns a function that adds a path with a handler, and returns its URL and a list of its requests
 */
export function slowServer(): (handler: Handler) => { url: string; requests: RangeRequest[] } {
  const handlers: Handler[] = [];
  const requestsByPath: RangeRequest[][] = [];
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = Number(request.url?.slice(1));
      const { range, 'if-range': ifRange } = request.headers;
      requestsByPath[path].push({ range, ifRange: ifRange as string | undefined });
      handlers[path](request, response, requestsByPath[path].length);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return (handler) => {
    const path = handlers.push(handler) - 1;
    requestsByPath.push([]);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`;
    return { url, requests: requestsByPath[path] };
  };
}

/** Acts after turns of the event loop, in which a client in this process reads: on a busy machine, time alone says nothing. */
function afterTurns(count: number, act: () => void): void {
  if (count === 0) act();
  else setImmediate(afterTurns, count - 1, act);
}

/** Sends `count` bytes of a file from the requested position on, then breaks the connection. */
export const breakAfter =
  (bytes: Uint8Array, count: number, headers: Record<string, string>): Handler =>
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
    // The bytes must have arrived before the connection breaks: fetch drops those that it has not handed out.
    else response.write(rest, () => setTimeout(afterTurns, 20, 20, () => response.destroy()));
  };
