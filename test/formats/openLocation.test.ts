import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WeightsError } from '../../src/core/errors.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { isRemote, openCopy, openLocation } from '../../src/formats/openLocation.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const FIXTURE = fileURLToPath(new URL('fixtures/network/state.pth', import.meta.url));
const config = drawnConfig('deploy');
const state = drawnState(config);

let server: Server;
let base = '';
/** Byte offsets that requests asked for. */
const ranges: (string | undefined)[] = [];
/** Bytes after which the first connection for a file breaks. */
let cutAt = Infinity;

beforeAll(async () => {
  await writeFile(path('own.safetensors'), encodeSafetensors(state, { metadata: writeConfig(config) }));
  await writeFile(path('plain.safetensors'), encodeSafetensors(state));
  await writeFile(path('state.pth'), await readFile(FIXTURE));
  await writeFile(path('page.html'), '<html></html>');
  server = createServer((request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    void readFile(path((request.url ?? '').slice(1))).then(
      (bytes) => {
        const from = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
        const headers = { etag: '"1"', 'content-length': bytes.length - from };
        const part = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
        response.writeHead(from === 0 ? 200 : 206, from === 0 ? headers : { ...headers, ...part });
        if (from === 0 && cutAt < bytes.length) response.write(bytes.subarray(0, cutAt), () => response.destroy());
        else response.end(bytes.subarray(from));
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('URLs are remote, paths and URLs of files are not', () => {
  expect(['https://host/net.pth', 'data:,abc', 's3://bucket/net'].map(isRemote)).toEqual([true, true, true]);
  expect(['net.pth', 'c:/net', 'file:///net.pth', '-'].map(isRemote)).toEqual([false, false, false, false]);
});

describe('URLs', () => {
  test('of other formats are copied', async () => {
    const opened = await openLocation(`${base}/state.pth`);
    if (!('file' in opened)) throw new Error('not copied');
    const bytes = await readFile(FIXTURE);
    expect([opened.file.name, opened.file.size]).toEqual([`${base}/state.pth`, bytes.length]);
    expect(Buffer.from(await opened.file.read(0, bytes.length))).toEqual(bytes);
    await opened.file.close();
  });

  test('of other formats are resumed by ranges', async () => {
    ranges.length = 0;
    cutAt = 5000;
    const file = await openCopy(`${base}/state.pth`).finally(() => {
      cutAt = Infinity;
    });
    const bytes = await readFile(FIXTURE);
    expect(Buffer.from(await file.read(0, file.size))).toEqual(bytes);
    expect(ranges).toEqual([undefined, 'bytes=5000-']);
    await file.close();
  });

  test('of safetensors with a configuration are streamed', async () => {
    const url = `${base}/own.safetensors`;
    expect(await openLocation(url)).toEqual({ source: url, isPipe: false });
    const plain = await openLocation(`${base}/plain.safetensors`);
    expect(plain).toHaveProperty('file.size');
    if ('file' in plain) await plain.file.close();
  });

  test('are imported', async () => {
    const weights = await importWeights(`${base}/state.pth`);
    expect(weights).toMatchObject({ format: 'PyTorch checkpoint (legacy format)', matched: 69 });
    expect((await weights.readState()).size).toBe(69);
    await weights.close();
  });

  test.each([
    ['page.html', 'weights of PyTorch, PaddlePaddle, Keras or ONNX, or safetensors', 'an HTML page'],
    ['none.pth', 'a response that is OK', 'status 404'],
  ])('%s is refused', async (name, expected, got) => {
    const url = `${base}/${name}`;
    await expect(importWeights(url)).rejects.toThrow(refusal(WeightsError, url, expected, got));
  });
});

describe('files', () => {
  test('are read as they are', async () => {
    for (const location of [FIXTURE, pathToFileURL(FIXTURE).href]) {
      const opened = await openLocation(location);
      expect(opened).toHaveProperty('file.size', (await readFile(FIXTURE)).length);
      if ('file' in opened) await opened.file.close();
    }
  });

  test('without bytes are refused', async () => {
    await writeFile(path('empty.pth'), '');
    await expect(importWeights(path('empty.pth'))).rejects.toThrow(refusal(WeightsError, '', '', 'an empty file'));
  });
});
