/** What `download` prints where there is no terminal. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { downloadCommand } from '../../src/cli/download.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const BYTES = 4_000_000;

/** Sends other bytes than CIFAR, at `/sized` with their number. */
const server = createServer(({ url }, response) => {
  response.writeHead(200, url === '/sized' ? { 'content-length': BYTES } : {});
  response.end(new Uint8Array(BYTES));
});
let address = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function linesFor(url: string): Promise<string[]> {
  let text = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    const args = ['cifar100', '-o', path('sets'), '--url', `${address}${url}`];
    await expect(downloadCommand().parseAsync(args, { from: 'user' })).rejects.toThrow('expected md5');
  } finally {
    write.mockRestore();
  }
  return text.trimEnd().split('\n');
}

test('a line for every tenth at most, of a known size', async () => {
  const lines = await linesFor('/sized');
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.length).toBeLessThanOrEqual(11);
  const shares = lines.map((line) => Number(/^cifar-100-python\.tar\.gz {2}(\d\.\d) of 4\.0 MB$/.exec(line)?.[1]));
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(4);
});

test('a line for every 20 MB, of an unknown size', async () => {
  const lines = await linesFor('/chunked');
  expect(lines).toEqual([expect.stringMatching(/^cifar-100-python\.tar\.gz {2}\d\.\d of \? MB$/)]);
});
