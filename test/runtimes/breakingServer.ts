/** A server whose connections break: a request for a file ends in the middle, a range request for the rest succeeds. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';

export interface BreakingServer {
  readonly url: string;
  /** Number of requests for entire files, and for the rest of a file. */
  readonly requests: { whole: number; rest: number };
  close(): void;
}

function breakOff(response: ServerResponse, half: Uint8Array): void {
  // Waits until the data are sent before closing the connection.
  response.write(half, () => setTimeout(() => response.destroy(), 50));
}

/** @param files contents by file name */
export async function openBreakingServer(files: ReadonlyMap<string, Uint8Array>): Promise<BreakingServer> {
  const requests = { whole: 0, rest: 0 };
  const server = createServer(({ url = '', headers: { range } }, response) => {
    const file = files.get(basename(url));
    // Pages of other origins may read the body, but only the headers that CORS allows by default.
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('cross-origin-resource-policy', 'cross-origin');
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const headers = { etag: `"${file.length}"`, 'last-modified': 'Mon, 02 Nov 2026 10:00:00 GMT' };
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const length = file.length - from;
    if (range === undefined) {
      requests.whole++;
      response.writeHead(200, { ...headers, 'content-length': length });
      breakOff(response, file.subarray(0, file.length / 2));
    } else {
      requests.rest++;
      const content = `bytes ${from}-${file.length - 1}/${file.length}`;
      response.writeHead(206, { ...headers, 'content-length': length, 'content-range': content });
      response.end(file.subarray(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
