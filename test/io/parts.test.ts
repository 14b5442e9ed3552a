/** Answers that are only a part of a file, and reasons of Node's fetch in words. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions } from '../../src/io/sourceOptions.js';
import { partOf, PART_HINT } from '../../src/io/checkSource.js';
import { binaryKind } from '../../src/io/fileKind.js';
import { readInput } from '../../src/model/readInput.js';
import { readJsonObject } from '../../src/cli/jsonFile.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    if (url === '/part') response.writeHead(206, { 'content-range': 'bytes 0-9/100' }).end('0123456789');
    else if (url === '/end') response.writeHead(206, { 'content-range': 'bytes 90-99/100' }).end('0123456789');
    else if (url === '/whole') response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end('0123456789');
    else response.writeHead(302, { location: 'file:///etc/hosts' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function textOf(source: Parameters<typeof openSource>[0]): Promise<string> {
  let text = '';
  const options = resolveSourceOptions({ retries: 0 });
  for await (const chunk of openSource(source, options).chunks) text += new TextDecoder().decode(chunk);
  return text;
}

const image = (input: string | Response): Promise<unknown> => readInput('classify', input, (pixels) => pixels);

describe('a part that was not asked for', () => {
  const PARTS: [string, string][] = [
    ['part', 'bytes 0-9/100'],
    ['end', 'bytes 90-99/100'],
  ];

  test.each(PARTS)('%s is refused', async (name, range) => {
    const url = `${origin}/${name}`;
    const fields = { expected: 'the whole file', got: `a part of it (status 206, content-range ${range})` };
    const error = { ...fields, hint: PART_HINT };
    await expect(textOf(url)).rejects.toMatchObject({ name: 'WeightsError', op: url, ...error });
    await expect(textOf(await fetch(url))).rejects.toMatchObject({ name: 'WeightsError', op: url, ...error });
    await expect(image(url)).rejects.toMatchObject({ name: 'DataError', op: url, ...error });
    await expect(image(await fetch(url))).rejects.toMatchObject({ name: 'DataError', op: 'classify', ...error });
  });

  test('one that is the whole file is read', async () => {
    expect(await textOf(`${origin}/whole`)).toBe('0123456789');
    expect(await textOf(await fetch(`${origin}/whole`))).toBe('0123456789');
    await expect(image(`${origin}/whole`)).rejects.toMatchObject({ expected: 'a PNG, JPEG or WebP image' });
  });

  test.each([
    [200, 'bytes 0-9/100', false],
    [206, null, false],
    [206, 'bytes 0-99/100', false],
    [206, 'bytes 0-98/100', true],
    [206, 'bytes 1-99/100', true],
    [206, 'bytes 0-9/*', true],
    [206, 'items 0-9/10', true],
  ])('status %d with content-range %p: %p', (status, range, isPart) => {
    const headers = { get: (name: string) => (name === 'content-range' ? range : null) };
    expect(partOf({ status, headers })).toBe(isPart ? `a part of it (status 206, content-range ${range})` : null);
  });

  test('objects without headers have no parts', () => {
    expect(partOf({})).toBeNull();
    expect(partOf({ status: 206 })).toBeNull();
    expect(partOf({ status: 206, headers: {} as { get(name: string): string | null } })).toBeNull();
  });
});

describe('reasons in words', () => {
  test.each([
    ['file:%00', 'a path with a null character', 'Check the path.'],
    ['file:///a%00b', 'a path with a null character', 'Check the path.'],
    ['blob:abc', 'a blob: URL without a Blob', 'Pass the Blob itself'],
    ['data:text/plain;base64,%%%', 'an invalid data: URL', 'base64'],
    ['/redirect', 'a redirect to a URL of another scheme', 'Pass the http: or https: URL'],
  ])('%s', async (location, got, hint) => {
    const url = location.startsWith('/') ? `${origin}${location}` : location;
    const fields = { op: url, got, hint: expect.stringContaining(hint) };
    await expect(textOf(url)).rejects.toMatchObject({ name: 'WeightsError', ...fields });
    await expect(image(url)).rejects.toMatchObject({ name: 'DataError', ...fields });
  });
});

describe('a file that is not JSON', () => {
  const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

  test.each([
    ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'a PNG image'],
    ['\x10\0\0\0\0\0\0\0{"a":{"dtype"', 'a safetensors file'],
    ['PK\x03\x04abc', 'a zip archive'],
    [
      '\x01\x02\x03\x04\x05\x06\x07\x08\x09',
      'a file of an unknown format that begins with the bytes 01 02 03 04 05 06 07 08',
    ],
  ])('%j is named', async (text, got) => {
    expect(binaryKind(bytes(text))).toBe(got);
    await writeFile(path('a.json'), bytes(text));
    await expect(readJsonObject(path('a.json'))).rejects.toMatchObject({
      ...{ name: 'ParamError', op: path('a.json'), expected: 'a JSON object', got },
      hint: 'Pass a JSON file, such as the config.json of a run; weights are passed by --weights.',
    });
  });

  test.each(['', ' \n', '{"a": 1}', '{"a": "é', 'plain text', '\xff\xfe{\0}\0'])('%j is text', (text) => {
    expect(binaryKind(text.startsWith('\xff') ? bytes(text) : new TextEncoder().encode(text))).toBeNull();
  });
});
