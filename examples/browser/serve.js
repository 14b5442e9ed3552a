/** Serves dist/ on localhost, with the headers that every server of the page must send. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';

const OUT = fileURLToPath(new URL('dist', import.meta.url));
const PORT = Number(process.env.PORT ?? 8080);

// Workers have no <meta>, so they get the page's policy by a header.
const [, policy] = /"Content-Security-Policy"\s+content="([^"]+)"/.exec(readFileSync(`${OUT}/index.html`, 'utf8'));

const HEADERS = {
  // Threads need shared memory, which only cross-origin isolated pages have.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
};

const files = sirv(OUT, {
  // The browser revalidates each file: the service worker is the cache.
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
  console.error(code === 'EADDRINUSE' ? `port ${PORT} is in use; try PORT=8081 npm start` : message);
  process.exitCode = 1;
});
server.listen(PORT, 'localhost', () => {
  console.log(`http://localhost:${server.address().port}/`);
});
