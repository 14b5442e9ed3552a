/** dist/ on localhost, with the headers that it wants of any server. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';

const OUT = fileURLToPath(new URL('dist', import.meta.url));
const PORT = Number(process.env.PORT ?? 8080);

// A worker has no <meta>: it is told the page's policy by a header.
const [, policy] = /"Content-Security-Policy"\s+content="([^"]+)"/.exec(readFileSync(`${OUT}/index.html`, 'utf8'));

const HEADERS = {
  // Only a page that is isolated has shared memory, and with it threads.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
};

const files = sirv(OUT, {
  // Each file is asked for anew, and answered by "not modified": the service worker is the cache.
  dev: true,
  etag: true,
  setHeaders(response) {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  },
});

const server = createServer((request, response) => {
  files(request, response, () => response.writeHead(404).end('not found'));
});
server.on('error', ({ code, message }) => {
  console.error(code === 'EADDRINUSE' ? `port ${PORT} is taken: PORT=8081 npm start` : message);
  process.exitCode = 1;
});
server.listen(PORT, 'localhost', () => {
  console.log(`http://localhost:${server.address().port}/`);
});
