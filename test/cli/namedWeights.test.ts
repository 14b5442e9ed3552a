/** Official weights by name: what is fetched, where it is kept, and what is said. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../src/cli/cacheFolder.js';
import { cachedVariant, fetchNamed, isVariantName, namedPath } from '../../src/cli/namedWeights.js';
import { withCachedVariant } from '../../src/cli/recognitionFlags.js';
import { readNetworkWeights } from '../../src/cli/weights.js';
import { checkWeightsPath } from '../../src/cli/weightsPath.js';
import { DataError, ParamError, WeightsError } from '../../src/core/errors.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { releaseServer, sendFile, type Handler, type ReleaseServer } from './releaseServer.js';

const path = temporaryFolder();
const OFFICIAL = fileURLToPath(new URL('../formats/fixtures/network/official.pth', import.meta.url));
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let content: Uint8Array;
let other: Uint8Array;
let server: ReleaseServer;
/** Of the requests of a test, in their order; the last one also of those after it. */
let handlers: readonly Handler[] = [];
let stderr = '';
let folders = 0;
const cache = (): string => path(`cache${folders}`);
const cached = (name = 'vanillanet_5'): string => join(cache(), `${name}.pth`);
const VARIABLES = ['VANILLANET_CACHE', 'VANILLANET_WEIGHTS_URL'] as const;
const before = VARIABLES.map((name) => process.env[name]);

beforeAll(async () => {
  content = await readFile(OFFICIAL);
  const config = drawnConfig('deploy');
  other = encodeSafetensors(drawnState(config));
  server = await releaseServer((i) => handlers[Math.min(i, handlers.length - 1)]);
});
beforeEach(() => {
  folders++;
  server.requests.length = 0;
  process.env['VANILLANET_CACHE'] = cache();
  process.env['VANILLANET_WEIGHTS_URL'] = `${server.url}/ckpt/`;
  stderr = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += String(chunk);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  VARIABLES.forEach((name, i) => {
    const value = before[i];
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  });
});
afterAll(() => {
  server.close();
});

const filesIn = async (): Promise<string[]> => (await readdir(cache())).sort();
const url = (name = 'vanillanet_5'): string => `${server.url}/ckpt/${name}.pth`;
const byHand = (): string => `By hand: download ${url()}, and save it as ${cached()}.`;

describe('fetchNamed', () => {
  test('fetches a file, shows its size and hash, and remembers them', async () => {
    handlers = [sendFile(content)];
    expect(await fetchNamed('vanillanet_5')).toBe(cached());
    expect(await readFile(cached())).toEqual(content);
    expect(server.requests).toEqual([{ path: '/ckpt/vanillanet_5.pth', from: 0 }]);
    expect(stderr).toBe(
      `fetching ${url()} into ${cached()}\n` +
        'vanillanet_5.pth  0.0 of 0.0 MB\nvanillanet_5.pth  0.0 of 0.0 MB\n' +
        `${cached()}: 0.0 MB, sha256 ${hashOf(content)}\n`,
    );
    expect(JSON.parse(await readFile(`${cached()}.json`, 'utf8'))).toEqual({
      ...{ url: url(), bytes: content.length, sha256: hashOf(content) },
      modified: expect.any(Number) as unknown,
    });
    expect(await filesIn()).toEqual(['vanillanet_5.pth', 'vanillanet_5.pth.json']);
    // The second time, nothing is fetched, and nothing said.
    stderr = '';
    expect(await fetchNamed('vanillanet_5')).toBe(cached());
    expect([server.requests.length, stderr]).toEqual([1, '']);
  });

  test('resumes after a connection that breaks, as long as bytes arrive', async () => {
    handlers = [sendFile(content, { count: 9000 }), sendFile(content, { count: 20_000 }), sendFile(content)];
    await fetchNamed('vanillanet_6');
    expect(server.requests.map(({ from }) => from)).toEqual([0, 9000, 29_000]);
    expect(await readFile(cached('vanillanet_6'))).toEqual(content);
    expect(await filesIn()).toEqual(['vanillanet_6.pth', 'vanillanet_6.pth.json']);
  });

  test('resumes a part of an earlier process, and begins again if the file has changed since', async () => {
    const part = `${cached()}.part`;
    for (const [tag, requests] of [
      ['"1"', [4000]],
      ['"2"', [4000]],
    ] as const) {
      await mkdir(cache(), { recursive: true });
      await writeFile(part, tag === '"1"' ? content.subarray(0, 4000) : new Uint8Array(4000));
      await writeFile(`${part}.json`, JSON.stringify({ total: content.length, tag: '"1"', modified: null }));
      handlers = [sendFile(content, { tag })];
      server.requests.length = 0;
      await fetchNamed('vanillanet_5');
      expect(server.requests.map(({ from }) => from)).toEqual(requests);
      expect(await readFile(cached())).toEqual(content);
      await rm(cached());
    }
  });

  test('begins again with a part of an unknown version: no digest would notice a mixture', async () => {
    await mkdir(cache(), { recursive: true });
    await writeFile(`${cached()}.part`, new Uint8Array(4000));
    handlers = [sendFile(content, { tag: null })];
    await fetchNamed('vanillanet_5');
    expect(server.requests.map(({ from }) => from)).toEqual([0]);
    expect(await readFile(cached())).toEqual(content);
  });

  test('takes a part that is whole', async () => {
    await mkdir(cache(), { recursive: true });
    await writeFile(`${cached()}.part`, content);
    await writeFile(`${cached()}.part.json`, JSON.stringify({ total: content.length, tag: '"1"', modified: null }));
    handlers = [sendFile(content)];
    await fetchNamed('vanillanet_5');
    expect(server.requests.map(({ from }) => from)).toEqual([content.length]);
    expect(await readFile(cached())).toEqual(content);
  });

  test.each([
    ['a status', [(_, response) => response.writeHead(404).end('no')], 1, 'status 404'],
    ['connections that break without new bytes', [sendFile(new Uint8Array(9), { count: 0 })], 2, ''],
  ])('says what to do by hand after %s', async (_, answers, requests, got) => {
    handlers = answers;
    await expect(fetchNamed('vanillanet_5')).rejects.toThrow(refusal(DataError, url(), '', got));
    await expect(fetchNamed('vanillanet_5')).rejects.toMatchObject({
      hint: `Run the same command again. ${byHand()}`,
    });
    expect(server.requests).toHaveLength(2 * requests);
    // What was saved there by hand works.
    await writeFile(cached(), content);
    expect(await fetchNamed('vanillanet_5')).toBe(cached());
    expect(stderr).toContain(`${cached()}: 0.0 MB, sha256 ${hashOf(content)}\n`);
  });

  test('says how much of a part is there', async () => {
    handlers = [sendFile(content, { count: 9000 }), (_, response) => response.writeHead(503).end()];
    await expect(fetchNamed('vanillanet_5')).rejects.toMatchObject({
      hint: `Run the same command again. It resumes after the 9000 bytes in ${cached()}.part. ${byHand()}`,
    });
  });

  test.each([
    ['an HTML page', Buffer.from('<!doctype html><title>Log in</title>'), 'HTML'],
    ['a damaged checkpoint', 'cut', ''],
    ['an empty file', new Uint8Array(0), ''],
  ])('removes %s', async (_, bytes, got) => {
    handlers = [sendFile(typeof bytes === 'string' ? content.subarray(0, content.length - 300) : bytes)];
    await expect(fetchNamed('vanillanet_5')).rejects.toThrow(refusal(DataError, url(), '', got));
    await expect(fetchNamed('vanillanet_5')).rejects.toMatchObject({
      hint:
        bytes.length === 0
          ? expect.stringContaining(byHand())
          : `The downloaded file was removed. Run the same command again. ${byHand()}`,
    });
    expect((await filesIn()).filter((name) => !name.includes('.part'))).toEqual([]);
  });

  test('takes a network of no variant', async () => {
    const { config } = await readNetworkWeights(OFFICIAL, {});
    expect(config.variant).toBeUndefined();
    handlers = [sendFile(other)];
    expect(await fetchNamed('vanillanet_5')).toBe(cached());
  });

  test('says that the file in the cache has changed', async () => {
    handlers = [sendFile(content)];
    await fetchNamed('vanillanet_5');
    const later = new Date(Date.now() + 60_000);
    // The same content: only the time is new.
    stderr = '';
    await utimes(cached(), later, later);
    await fetchNamed('vanillanet_5');
    expect(stderr).toBe('');
    // Of the same size.
    const changed = content.map((byte, i) => (i === 1000 ? byte ^ 1 : byte));
    await writeFile(cached(), changed);
    for (let i = 0; i < 2; i++) {
      stderr = '';
      expect(await fetchNamed('vanillanet_5')).toBe(cached());
      expect(stderr).toBe(
        `${cached()}: has changed: its sha256 is ${hashOf(changed)}, and was ${hashOf(content)}.\n` +
          `hint: Remove it to fetch it again, or remove ${cached()}.json if the new file is right.\n`,
      );
    }
    await rm(`${cached()}.json`);
    stderr = '';
    await fetchNamed('vanillanet_5');
    expect(stderr).toBe(`${cached()}: 0.0 MB, sha256 ${hashOf(changed)}\n`);
    await fetchNamed('vanillanet_5');
    expect(stderr.split('\n')).toHaveLength(2);
  });

  test('says that the file of the release has changed', async () => {
    handlers = [sendFile(content)];
    await fetchNamed('vanillanet_5');
    await rm(cached());
    handlers = [sendFile(other)];
    await fetchNamed('vanillanet_5');
    expect(stderr).toContain(
      `${cached()}: other weights than those that were fetched before, of sha256 ${hashOf(content)}\n`,
    );
    expect(JSON.parse(await readFile(`${cached()}.json`, 'utf8'))).toMatchObject({ sha256: hashOf(other) });
    stderr = '';
    await rm(cached());
    await fetchNamed('vanillanet_5');
    expect(stderr).not.toContain('fetched before');
  });

  test.each([['{'], ['{"url":1}'], ['[]']])('passes over a record that is %s', async (text) => {
    await mkdir(cache(), { recursive: true });
    await writeFile(cached(), content);
    await writeFile(`${cached()}.json`, text);
    await fetchNamed('vanillanet_5');
    expect(stderr).toBe(`${cached()}: 0.0 MB, sha256 ${hashOf(content)}\n`);
  });

  test('two calls at the same time fetch once', async () => {
    handlers = [sendFile(content)];
    expect(await Promise.all([fetchNamed('vanillanet_5'), fetchNamed('vanillanet_5')])).toEqual([cached(), cached()]);
    expect(server.requests).toHaveLength(1);
    expect(stderr).toContain(`${cached()}: waiting for process ${process.pid}, which fetches it\n`);
    expect(await filesIn()).toEqual(['vanillanet_5.pth', 'vanillanet_5.pth.json']);
  });

  test('refuses a cache that is a file, and a base that is no URL', async () => {
    await writeFile(cache(), 'a file');
    await expect(fetchNamed('vanillanet_5')).rejects.toMatchObject({
      ...{ name: 'ParamError', expected: 'a folder for fetched weights' },
      hint: 'Set VANILLANET_CACHE to a folder that can be written.',
    });
    process.env['VANILLANET_WEIGHTS_URL'] = 'ftp://example.com';
    await expect(fetchNamed('vanillanet_5')).rejects.toThrow(
      refusal(ParamError, 'VANILLANET_WEIGHTS_URL', 'https: or http:', 'ftp://example.com'),
    );
  });
});

describe('the name of a variant as weights', () => {
  test('is fetched if there is no such file', async () => {
    handlers = [sendFile(content)];
    expect(await checkWeightsPath('vanillanet_5')).toBe(cached());
    stderr = '';
    const { config, files } = await readNetworkWeights('vanillanet_5', {});
    expect([config.dims, files]).toEqual([[4, 8, 8], [cached()]]);
    expect(stderr).toContain(`${cached()}: took model_ema`);
  });

  test('is a path if there is a file or folder', async () => {
    const start = process.cwd();
    await mkdir(path('folder', 'vanillanet_6'), { recursive: true });
    await writeFile(path('folder', 'vanillanet_5'), content);
    process.chdir(path('folder'));
    try {
      expect(await checkWeightsPath('vanillanet_5')).toBe('vanillanet_5');
      await expect(checkWeightsPath('vanillanet_6')).rejects.toThrow(
        refusal(WeightsError, 'vanillanet_6', 'a readable file', 'a folder'),
      );
      expect(server.requests).toEqual([]);
      // With an ending it is a path in any case.
      await expect(checkWeightsPath('vanillanet_7.pth')).rejects.toMatchObject({
        hint: 'Pass vanillanet_7, without an ending, to fetch the official weights.',
      });
      await expect(checkWeightsPath('vanillanet_14')).rejects.toMatchObject({
        hint: expect.not.stringContaining('fetch') as unknown,
      });
    } finally {
      process.chdir(start);
    }
  });

  test('is one of eleven', () => {
    expect(isVariantName('vanillanet_13_x1_5_ada_pool')).toBe(true);
    expect(isVariantName('toString')).toBe(false);
    expect(namedPath('vanillanet_13')).toBe(cached('vanillanet_13'));
  });

  test('states which of two variants of the same shapes it is, unless the user states it', () => {
    const ada = cached('vanillanet_13_x1_5_ada_pool');
    expect(cachedVariant(ada)).toBe('vanillanet_13_x1_5_ada_pool');
    expect(cachedVariant(resolve('vanillanet_5.pth'))).toBeNull();
    expect(cachedVariant(cached('best'))).toBeNull();
    expect(cachedVariant(join(cache(), 'vanillanet_5.pt'))).toBeNull();
    expect(withCachedVariant({ ema: true }, ada)).toEqual({ ema: true, config: { variant: cachedVariant(ada) } });
    expect(withCachedVariant({ config: { lambda: 1 } }, ada).config).toEqual({
      lambda: 1,
      variant: cachedVariant(ada),
    });
    for (const config of [{ variant: 'vanillanet_13_x1_5' }, { dims: [4] }, { strides: [2] }] as const) {
      const options = { config };
      expect(withCachedVariant(options, ada)).toBe(options);
    }
    const options = {};
    expect(withCachedVariant(options, cached())).toBe(options);
    expect(withCachedVariant(options, 'vanillanet_13_x1_5.pth')).toBe(options);
  });
});

describe('cacheFolder', () => {
  const folder = (platform: NodeJS.Platform, env: Record<string, string>): string =>
    cacheFolder({ platform, env, home: platform === 'win32' ? 'C:\\Users\\me' : '/home/me' });

  test('is that of the platform', () => {
    expect(folder('linux', {})).toBe('/home/me/.cache/vanillanet');
    expect(folder('darwin', {})).toBe('/home/me/Library/Caches/vanillanet');
    expect(folder('win32', {})).toBe('C:\\Users\\me\\AppData\\Local\\vanillanet');
    expect(folder('win32', { LOCALAPPDATA: 'D:\\local' })).toBe('D:\\local\\vanillanet');
  });

  test('is that of the variables', () => {
    expect(folder('linux', { XDG_CACHE_HOME: '/var/c' })).toBe('/var/c/vanillanet');
    expect(folder('darwin', { XDG_CACHE_HOME: '/var/c' })).toBe('/var/c/vanillanet');
    expect(folder('linux', { XDG_CACHE_HOME: 'relative' })).toBe('/home/me/.cache/vanillanet');
    expect(folder('linux', { XDG_CACHE_HOME: '/var/c', VANILLANET_CACHE: 'own' })).toBe('own');
    expect(folder('linux', { VANILLANET_CACHE: '', XDG_CACHE_HOME: '' })).toBe('/home/me/.cache/vanillanet');
  });
});
