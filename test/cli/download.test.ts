import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { outcomeOf, PATIENCE, start, vanillanet } from './commandLine.js';

const path = temporaryFolder();
const MD5 = 'eb9058c3a382ffc7106e4002c42a8d85';

/** A server with bytes that are not CIFAR. For `slow`, it sends half of them and stops. */
const server = createServer(({ url = '' }, response) => {
  if (url === '/missing') response.writeHead(404).end();
  else {
    response.writeHead(200, { 'content-length': 2000 });
    if (url === '/slow') response.write(new Uint8Array(1000));
    else response.end(new Uint8Array(2000));
  }
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

const cifar100 = (...more: string[]): string[] => ['download', 'cifar100', '-o', 'sets', ...more];

describe('download', () => {
  test(
    'prints progress, and refuses another file',
    async () => {
      const { status, stdout, stderr } = await vanillanet(cifar100('--url', `${address}/other`), path());
      expect(status).toBe(1);
      expect(stdout).toMatch(/^cifar-100-python\.tar\.gz {2}0\.0 of 0\.0 MB\n/);
      expect(stderr).toContain(`DataError: ${address}/other: expected md5 ${MD5}, got `);
      expect(await readdir(path('sets'))).toEqual([]);
    },
    PATIENCE,
  );

  test(
    'names the failure, and how to download by hand',
    async () => {
      const { status, stderr } = await vanillanet(cifar100('--url', `${address}/missing`), path());
      expect(status).toBe(1);
      expect(stderr).toContain('expected a response that is OK, got status 404');
    },
    PATIENCE,
  );

  test(
    'checks an existing file of the right name',
    async () => {
      await writeFile(path('cifar-10-binary.tar.gz'), 'x');
      const { status, stderr } = await vanillanet(['download', 'cifar10', '--format', 'binary', '-o', '.'], path());
      expect(status).toBe(1);
      expect(stderr).toContain('cifar-10-binary.tar.gz: expected md5 c32a1d4ab5d03f1284b67883e8d87530, got ');
    },
    PATIENCE,
  );

  test(
    'keeps the partial file when it is interrupted',
    async () => {
      const child = start(cifar100('--url', `${address}/slow`), path());
      const outcome = outcomeOf(child);
      const part = async (): Promise<boolean> =>
        (await readdir(path('sets')).catch((): string[] => [])).includes('cifar-100-python.tar.gz.part');
      while (!(await part())) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill('SIGINT');
      await outcome;
      expect(child.signalCode).toBe('SIGINT');
      expect(await part()).toBe(true);
    },
    PATIENCE,
  );
});
