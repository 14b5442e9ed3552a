/** A server of the official release for tests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const rangeOf = ({ headers }: IncomingMessage): number => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);

interface SendOptions {
  readonly count?: number;
  /** The ETag; null for none. */
  readonly tag?: string | null;
  readonly hangs?: boolean;
}

/** Sends a file, or the rest of it, by its ETag; after `count` bytes the connection breaks, or nothing more is sent. */
export const sendFile =
  (content: Uint8Array, { count = Infinity, tag = '"1"', hangs = false }: SendOptions = {}): Handler =>
  (request, response) => {
    const isSame = tag !== null && [undefined, tag].includes(request.headers['if-range'] as string | undefined);
    const from = isSame ? rangeOf(request) : 0;
    if (from >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const rest = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': rest.length,
      ...(tag === null ? {} : { etag: tag }),
      ...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    if (count >= rest.length) {
      response.end(rest);
      return;
    }
    response.write(rest.subarray(0, count), () => {
      // Later, so that the client has read what was sent.
      if (!hangs) setTimeout(() => response.destroy(), 200);
    });
  };

export interface ReleaseServer {
  /** The requests: paths, and where they begin. */
  readonly requests: { readonly path: string; readonly from: number }[];
  readonly url: string;
  close(): void;
}

/** Starts the server. @param answer the handler of the i-th request, from 0 */
export async function releaseServer(answer: (i: number) => Handler): Promise<ReleaseServer> {
  const requests: { path: string; from: number }[] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', from: rangeOf(request) });
    answer(requests.length - 1)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
