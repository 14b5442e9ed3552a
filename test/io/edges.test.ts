/** The boundaries of what readers accept, and the names that errors of wrong arguments have. */
import { platform } from '#runtime';
import { describe, expect, jest, test } from '@jest/globals';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { resolveConfig } from '../../src/core/config.js';
import { removeLeftovers } from '../../src/io/atomicWrite.js';
import { configOf, readConfig, writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { DTYPES, isDtype } from '../../src/io/dtypes.js';
import { checkRest, requestBytes, type Position } from '../../src/io/fetchBytes.js';
import { fileVersion, mismatch } from '../../src/io/fileVersion.js';
import { expiryOf, placeOf } from '../../src/io/lock.js';
import { openShards } from '../../src/io/openShards.js';
import { openWeights, resolveWeightsOptions, type OpenWeightsOptions } from '../../src/io/openWeights.js';
import { isEnded, parseStat, scopeOf } from '../../src/io/processes.js';
import { readIterable, readStream } from '../../src/io/readStream.js';
import { isReadTimeout, Pace, PROGRESS } from '../../src/io/readTimeout.js';
import { resolveShard } from '../../src/io/resolveShard.js';
import { SYSTEM } from '../../src/io/retryIfOpen.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { isJson, isSafetensors, MAX_HEADER } from '../../src/io/safetensorsHeader.js';
import { streamSafetensors } from '../../src/io/safetensorsStream.js';
import { isSha256, sha256Of } from '../../src/io/sha256.js';
import { isFileName, readShardIndex } from '../../src/io/shardIndex.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions, type Fetch, type SourceOptions } from '../../src/io/sourceOptions.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import type { ResponseLike, WeightsSource } from '../../src/io/weightsSource.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

const any = (value: unknown): never => value as never;

const PATIENT = { timeout: Infinity, signal: undefined };

const CONFIG = resolveConfig({ dims: [4, 6, 8], strides: [2, 2], num_classes: 3, act_num: 1 });

describe('a wrong argument is named', () => {
  const bytes = encodeSafetensors(new Map());
  test.each<[string, () => unknown, string]>([
    ['path', () => readWeights(any(1)), 'path'],
    ['options', () => readWeights('net', any(null)), 'options'],
    ['config', () => readWeights('net', { config: any(1) }), 'config'],
    ['path to write', () => writeWeights(any(1), new Map(), CONFIG), 'path'],
    ['options to write', () => writeWeights('net', new Map(), CONFIG, any(1)), 'options'],
    ['state', () => writeWeights('net', any({}), CONFIG), 'state'],
    ['name', () => decodeSafetensors(bytes, any(1)), 'name'],
    ['bytes', () => decodeSafetensors(any(1)), 'safetensors'],
    ['encoding options', () => encodeSafetensors(new Map(), any(1)), 'options'],
    ['unknown encoding option', () => encodeSafetensors(new Map(), any({ dtpe: 1 })), 'dtpe'],
    ['metadata', () => encodeSafetensors(new Map(), any({ metadata: {} })), 'metadata'],
    ['dtype', () => encodeSafetensors(new Map(), any({ dtype: 'f32' })), 'dtype'],
    ['tensors', () => encodeSafetensors(any(1)), 'safetensors'],
    ['bytes to cut', () => cutShards(any(1), { name: 'a' }), 'cutShards'],
    ['cutting options', () => cutShards(bytes, any(1)), 'cutShards'],
    ['unknown cutting option', () => cutShards(bytes, any({ name: 'a', limt: 1 })), 'limt'],
    ['opener of shards', () => openShards({ ...cutShards(bytes, { name: 'a' }).index }, any(1)), 'open'],
    ['options of shards', () => openShards({}, any(1), any(1)), 'options'],
    ['unknown option of shards', () => openShards({}, any(1), any({ timout: 1 })), 'timout'],
    ['name of metadata', () => readConfig(new Map(), any(1)), 'name'],
    ['metadata of a configuration', () => readConfig(any({})), 'metadata'],
  ])('%s', async (_, call, op) => {
    const error: unknown = await new Promise((resolve) => {
      resolve(call());
    }).catch((each: unknown) => each);
    expect(error).toMatchObject({ name: 'ParamError', op });
  });

  test('options that are right pass', () => {
    const { index, shards } = cutShards(bytes, { name: 'a', limit: 10 });
    const options = { timeout: 1, retries: 0, fetch: any(() => undefined), signal: null, onProgress: () => undefined };
    expect(() => openShards(index, (name) => shards.get(name), options)).not.toThrow();
    // To hash so many shards would take seconds.
    const cut = (length: number): unknown => {
      const subarray = (): never => {
        throw new Error('cut');
      };
      return cutShards(Object.assign(new Uint8Array(length), { subarray }), { name: 'a', limit: 1 });
    };
    expect(() => cut(99_999)).toThrow(/^cut$/);
    expect(() => cut(100_000)).toThrow(refusal(ParamError, 'cutShards', 'at most 99999 shards', '1'));
    for (const limit of [0, -5, 1.5]) {
      expect(() => cutShards(bytes, { name: 'a', limit })).toThrow(
        refusal(ParamError, 'cutShards', 'a limit', `${limit}`),
      );
    }
  });
});

describe('a process', () => {
  test.each(['Z', 'X', 'x'])('in the state %s has ended', (state) => {
    expect(isEnded(state)).toBe(true);
  });

  test.each(['R', 'S', 'D', 'T', '', null])('in the state %p has not', (state) => {
    expect(isEnded(state)).toBe(false);
  });

  test('is valid in a boot and a namespace', () => {
    expect(scopeOf('boot\n', 'pid:[4026531836]')).toBe('boot/4026531836');
    expect(scopeOf('boot', 'pid')).toBe('boot/');
    expect([scopeOf(null, 'pid:[1]'), scopeOf('boot', null), scopeOf(null, null)]).toEqual([null, null, null]);
  });

  test('has at least twenty fields after its name', () => {
    const fields = Array.from({ length: 20 }, (_, i) => `f${i}`);
    expect(parseStat(`1 (a) b) ${fields.join(' ')}`)).toEqual({ state: 'f0', start: 'f19' });
    expect(parseStat(`1 (a) ${fields.slice(1).join(' ')}`)).toBeNull();
    expect(parseStat(fields.join(' '))).toBeNull();
  });
});

describe('the owner of a lock', () => {
  const [boot, other] = ['01234567-89ab', '01234567-89ac'];

  test.each<[string | undefined, string | undefined, string | null, string]>([
    [undefined, 'elsewhere', null, 'elsewhere'],
    [`${boot}/1`, 'elsewhere', `${boot}/1`, 'elsewhere'],
    [undefined, undefined, `${boot}/1`, 'here'],
    [`${boot}/1`, undefined, null, 'here'],
    [`${boot}/1`, undefined, `${boot}/1`, 'here'],
    [`${boot}/1`, undefined, `${boot}/2`, 'elsewhere'],
    [`${boot}/1`, undefined, `${other}/1`, 'before this boot'],
  ])('of scope %p and host %p is, in scope %p, %s', (scope, host, own, place) => {
    expect(placeOf(scope, host, own)).toBe(place);
  });

  test('is gone after ten minutes, or since the start of this machine', () => {
    expect(expiryOf('elsewhere', 5)).toBe(600_000);
    expect(expiryOf('before this boot', 5)).toBe(5000);
    expect(expiryOf('before this boot', 10_000)).toBe(600_000);
  });
});

describe('numbers', () => {
  const half = (value: number): unknown =>
    decodeSafetensors(
      encodeSafetensors(new Map([['a', { data: Float64Array.of(value, 1), shape: [2] }]]), { dtype: 'float16' }),
    ).tensors.get('a')?.data;
  const encodeCounter = (value: number): Uint8Array =>
    encodeSafetensors(new Map([['a.num_batches_tracked', { data: Float64Array.of(value), shape: [] }]]));
  const counter = (value: number): unknown =>
    decodeSafetensors(encodeCounter(value)).tensors.get('a.num_batches_tracked')?.data;

  test('at the limits of their types are written and read', () => {
    expect(half(65504)).toEqual(Float32Array.of(65504, 1));
    expect(half(-65504)).toEqual(Float32Array.of(-65504, 1));
    expect(() => half(65505)).toThrow(refusal(WeightsError, 'a', 'float16', '65505 at element 0'));
    for (const value of [2 ** 53, -(2 ** 53)]) expect(counter(value)).toEqual(Float64Array.of(value));
    for (const value of [2 ** 54, -(2 ** 54)]) {
      expect(() => encodeCounter(value)).toThrow(refusal(WeightsError, 'num_batches_tracked', '2^53', `${value}`));
    }
  });

  test('below -2^53 are not read', () => {
    const bytes = new Uint8Array(new BigInt64Array([-(2n ** 53n) - 1n]).buffer);
    const read = (): void => {
      DTYPES.I64.read(bytes, new Float64Array(1), 'a');
    };
    expect(read).toThrow(refusal(WeightsError, 'a', '2^53', '-9007199254740993 at element 0'));
    const lowest = new Float64Array(1);
    DTYPES.I64.read(new Uint8Array(new BigInt64Array([-(2n ** 53n)]).buffer), lowest, 'a');
    expect(lowest[0]).toBe(-(2 ** 53));
  });

  test('have types that are texts', () => {
    expect([isDtype('F32'), isDtype('f32'), isDtype(['F32']), isDtype('toString')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

test.each<[unknown, boolean]>([
  ['ab'.repeat(32), true],
  ['AB'.repeat(32), true],
  [`x${'ab'.repeat(32)}`, false],
  [`${'ab'.repeat(32)}x`, false],
  ['ab'.repeat(31), false],
  [['ab'.repeat(32)], false],
])('%p is a SHA-256: %p', (value, is) => {
  expect(isSha256(value)).toBe(is);
});

describe('a header', () => {
  const head = (length: bigint, first = '{'): Uint8Array => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    bytes[8] = first.charCodeAt(0);
    return bytes;
  };

  test('begins with a plausible length and a brace', () => {
    expect(isSafetensors(head(2n ** 40n - 1n))).toBe(true);
    expect(isSafetensors(head(2n ** 40n))).toBe(false);
    expect(isSafetensors(head(2n ** 60n))).toBe(false);
    expect(isSafetensors(head(10n, '['))).toBe(false);
  });

  test('is not JSON if its length is one', () => {
    // The bytes of the limit begin with zeros, as UTF-16 may.
    expect(MAX_HEADER).toBe(2 ** 22);
    expect(isJson(Uint8Array.of(0, 0, 0x40, 0, 0, 0, 0, 0, 0x7b))).toBe(false);
    for (const prefix of [[], [0xef, 0xbb, 0xbf], [0xff, 0xfe], [0xfe, 0xff, 0], [0x20], [9], [10], [13]]) {
      expect(isJson(Uint8Array.of(...prefix, 0x7b, 0x22, 0x61, 0x22, 0x3a, 0x31, 0x7d, 0x20))).toBe(true);
    }
    expect(isJson(new TextEncoder().encode('[{"a":1}]'))).toBe(false);
  });

  test('at the limit is written, and one byte more refused', () => {
    const pad = (length: number) => encodeSafetensors(new Map(), { metadata: new Map([['a', 'x'.repeat(length)]]) });
    const others = '{"__metadata__":{"a":""}}'.length;
    expect(pad(MAX_HEADER - others)).toHaveLength(8 + MAX_HEADER);
    expect(decodeSafetensors(pad(MAX_HEADER - others)).metadata.get('a')).toHaveLength(MAX_HEADER - others);
    expect(() => pad(MAX_HEADER - others + 1)).toThrow(
      refusal(WeightsError, 'safetensors', `a header of at most ${MAX_HEADER} bytes`, `${MAX_HEADER + 1}`),
    );
    const empty = encodeSafetensors(new Map(), { metadata: new Map() });
    expect(new TextDecoder().decode(empty.subarray(8)).trim()).toBe('{}');
  });
});

describe('tensors of a file', () => {
  /** A file from its header and the values of its data, as float32. */
  const file = (header: string, ...values: number[]): Uint8Array => {
    const bytes = new Uint8Array(8 + header.length + 4 * values.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    bytes.set(new Uint8Array(Float32Array.from(values).buffer), 8 + header.length);
    return bytes;
  };
  const entry = (begin: number, end: number): string =>
    `{"dtype":"F32","shape":[${(end - begin) / 4}],"data_offsets":[${begin},${end}]}`;
  async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(bytes);
  }
  const partsOf = async (chunks: AsyncIterable<Uint8Array>): Promise<unknown[]> => {
    const parts: unknown[] = [];
    for await (const { name, offset, data } of (await streamSafetensors(chunks, 'net')).parts()) {
      parts.push([name, offset, [...data]]);
    }
    return parts;
  };

  test('are read in the order of their data', async () => {
    const bytes = file(`{"a":${entry(4, 8)},"b":${entry(0, 4)}}`, 1, 2);
    expect(await partsOf(once(bytes))).toEqual([
      ['b', 0, [1]],
      ['a', 0, [2]],
    ]);
    expect([...decodeSafetensors(bytes).tensors.keys()]).toEqual(['a', 'b']);
    const withEmpty = file(`{"b":${entry(4, 8)},"e":${entry(4, 4)},"a":${entry(0, 4)}}`, 1, 2);
    expect(await partsOf(once(withEmpty))).toEqual([
      ['a', 0, [1]],
      ['b', 0, [2]],
    ]);
  });

  test('may be empty, and begin where others do', async () => {
    for (const header of [`{"e":${entry(0, 0)},"a":${entry(0, 4)}}`, `{"a":${entry(0, 4)},"e":${entry(0, 0)}}`]) {
      expect(await partsOf(once(file(header, 7)))).toEqual([['a', 0, [7]]]);
      expect(decodeSafetensors(file(header, 7)).tensors.get('e')).toEqual({ data: new Float32Array(0), shape: [0] });
    }
  });

  test('may come from an iterable that cannot be closed', async () => {
    const bytes = file(`{"a":${entry(0, 4)}}`, 7);
    const chunks = [bytes];
    const iterator = {
      next: (): Promise<IteratorResult<Uint8Array>> => {
        const value = chunks.pop();
        return Promise.resolve(value === undefined ? { done: true, value } : { done: false, value });
      },
    };
    expect(await partsOf({ [Symbol.asyncIterator]: () => iterator })).toEqual([['a', 0, [7]]]);
    const read: Uint8Array[] = [];
    chunks.push(bytes);
    for await (const chunk of readIterable({ [Symbol.asyncIterator]: () => iterator }, 'net', PATIENT))
      read.push(chunk);
    expect(read).toEqual([bytes]);
  });

  test('that are cut are named with the bytes that came', async () => {
    const count = 100_000;
    const bytes = file(`{"a":${entry(0, 4 * count)}}`, ...new Float32Array(count)).subarray(0, -10);
    const got = `${4 * count - 10}: it is cut short`;
    await expect(partsOf(once(bytes))).rejects.toThrow(refusal(WeightsError, 'net', `${4 * count} bytes of data`, got));
    expect(() => decodeSafetensors(bytes)).toThrow(refusal(WeightsError, '', `${4 * count} bytes of data`, got));
  });

  test('have names in errors of their values', async () => {
    const header = '{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}';
    await expect(partsOf(once(file(header, 1, 2 ** 70)))).rejects.toMatchObject({ op: 'net: a' });
  });

  test('without metadata may say null', () => {
    expect(decodeSafetensors(file(`{"__metadata__":null,"a":${entry(0, 4)}}`, 1)).metadata).toEqual(new Map());
  });

  test('have the number of bytes of their shape', () => {
    const header = `{"b":${entry(0, 4)},"a":{"dtype":"F32","shape":[2],"data_offsets":[4,8]}}`;
    expect(() => decodeSafetensors(file(header, 1, 2))).toThrow(
      expect.objectContaining({ op: 'safetensors: a', expected: '8 bytes for F32 [2]', got: '4' }),
    );
    const notText = file('{x', 1);
    notText[9] = 0xff;
    expect(() => decodeSafetensors(notText)).toThrow(
      expect.objectContaining({ got: 'bytes that are not UTF-8', cause: expect.anything() }),
    );
    expect(() => decodeSafetensors(file('{"\\ud800":1}'))).toThrow(
      refusal(WeightsError, 'safetensors', 'a header of valid Unicode', 'a lone surrogate in'),
    );
  });

  test('keep statistics in float32 by their whole name, and may be detached if they are empty', () => {
    const value = { data: Float32Array.of(0.1), shape: [1] };
    const names = ['a.running_mean', 'a.running_var', 'a.running_variance', 'running_mean'];
    const text = new TextDecoder().decode(
      encodeSafetensors(new Map(names.map((name) => [name, value])), { dtype: 'float16' }),
    );
    const dtypes = names.map((name) => new RegExp(`"${name}":\\{"dtype":"(\\w+)"`).exec(text)?.[1]);
    expect(dtypes).toEqual(['F32', 'F32', 'F16', 'F16']);
    const data = new Float32Array(4);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect(decodeSafetensors(encodeSafetensors(new Map([['a', { data, shape: [0] }]]))).tensors.size).toBe(1);
  });

  test.each([
    [127 * 2 ** -149, 127 * 2 ** -149],
    [127.5 * 2 ** -149, 127 * 2 ** -149],
    [0, 0],
  ])('of subnormal scales in int8: %d', (value, restored) => {
    const tensors = new Map([['a', { data: Float64Array.of(value), shape: [1, 1] }]]);
    const { data } = decodeSafetensors(encodeSafetensors(tensors, { dtype: 'int8' })).tensors.get('a') ?? { data: [] };
    expect([...data]).toEqual([restored]);
  });
});

describe('shards', () => {
  const { index, shards } = cutShards(new Uint8Array(10).fill(7), { name: 'net', limit: 5 });

  test('report their progress, and pass their signal', async () => {
    const reports: unknown[] = [];
    const signals: unknown[] = [];
    const { signal } = new AbortController();
    const all = openShards(
      index,
      (name, options) => {
        signals.push(options.signal);
        return shards.get(name);
      },
      { onProgress: (progress) => reports.push(progress), signal },
    );
    for await (const chunk of all) expect(chunk).toHaveLength(5);
    expect(reports).toEqual([
      { loaded: 5, total: 10 },
      { loaded: 10, total: 10 },
    ]);
    expect(signals).toEqual([signal, signal]);
  });

  test('may be none', async () => {
    const none = { ...index, sha256: undefined, bytes: 0, shards: [] };
    for await (const chunk of openShards(none, () => null)) expect(chunk).toBeUndefined();
  });

  test('that are refused by a typed error keep it', async () => {
    const error = new ParamError({ op: 'a', expected: 'b', got: 'c' });
    const all = openShards(index, () => {
      throw error;
    });
    const read = async (): Promise<void> => {
      for await (const chunk of all) expect(chunk).toBeUndefined();
    };
    await expect(read()).rejects.toBe(error);
  });
});

describe('opened weights', () => {
  const bytes = new Uint8Array(10).fill(7);
  const { index, shards } = cutShards(bytes, { name: 'net' });
  const hash = sha256Of(bytes);
  const readAll = async (source: WeightsSource, options: OpenWeightsOptions): Promise<unknown> => {
    const opened = await openWeights(source, resolveWeightsOptions(options));
    const chunks: number[] = [];
    for await (const chunk of opened.chunks) chunks.push(...chunk);
    await opened.close();
    return [chunks, opened.total(), opened.shards];
  };

  test('in one shard are compared with the hash of the caller, if the index has none', async () => {
    const open = openShards({ ...index, sha256: undefined }, (name) => shards.get(name));
    expect(await readAll(open, { sha256: hash })).toEqual([[...bytes], 10, ['net-00001-of-00001.bin']]);
    const sha256 = 'ab'.repeat(32);
    await expect(readAll(open, { sha256 })).rejects.toMatchObject({ expected: `sha256 ${sha256}`, got: hash });
    expect(
      await readAll(
        openShards(index, (name) => shards.get(name)),
        { sha256: hash },
      ),
    ).toEqual([[...bytes], 10, ['net-00001-of-00001.bin']]);
  });

  test('may come from an iterable that cannot be closed, in any chunks', async () => {
    const chunks = [bytes.slice(0, 3), bytes.slice(3, 8), bytes.slice(8)];
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          const value = chunks.shift();
          return Promise.resolve(
            value === undefined ? { done: true as const, value } : { done: false as const, value },
          );
        },
      }),
    };
    const reports: unknown[] = [];
    expect(await readAll(source, { onProgress: (progress) => reports.push(progress) })).toEqual([[...bytes], null, []]);
    expect(reports[reports.length - 1]).toEqual({ loaded: 10, total: null });
  });

  test('are read no further than the first bytes, and closed unread', async () => {
    const late = (): AsyncIterable<Uint8Array> => ({
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(bytes.subarray(0, 5));
        yield bytes.subarray(5, 8);
        throw new Error('late');
      },
    });
    const opened = await openWeights(late(), resolveWeightsOptions({}));
    const read = opened.chunks[Symbol.asyncIterator]();
    expect((await read.next()).value).toEqual(bytes.subarray(0, 8));
    await expect(read.next()).rejects.toMatchObject({ got: 'late' });
    let isCanceled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(bytes);
      },
      cancel: () => {
        isCanceled = true;
      },
    });
    await (await openWeights(stream, resolveWeightsOptions({}))).close();
    expect(isCanceled).toBe(true);
  });

  test('may be shorter than the first bytes that are looked at', async () => {
    expect(await readAll(new Blob([bytes.slice(0, 3)]), {})).toEqual([[7, 7, 7], 3, []]);
    expect(await readAll(new Blob([]), {})).toEqual([[], 0, []]);
  });

  test('are no index, if they have no location', async () => {
    const text = JSON.stringify(index);
    const named = { ok: true, status: 200, url: 'https://h/net.json', body: new Blob([text]).stream() };
    for (const source of [named, new Blob([text]), new TextEncoder().encode(text)]) {
      await expect(openWeights(source as WeightsSource, resolveWeightsOptions({}))).rejects.toMatchObject({
        ...{ expected: 'a safetensors file', got: 'JSON: an index of shards' },
      });
    }
  });

  test('are beside their index: at its path, or at a relative URL if the runtime has no files', async () => {
    const part = cutShards(bytes, { name: 'one net' });
    await writeFile(path('one net-00001-of-00001.bin'), bytes);
    await writeFile(path('one net.json'), JSON.stringify(part.index));
    const location = path('one net-00001-of-00001.bin');
    expect(await readAll(path('one net.json'), {})).toEqual([[...bytes], 10, [location]]);
    const [indexUrl, fileUrl] = [path('one net.json'), location].map((each) => pathToFileURL(each));
    expect(await readAll(indexUrl, {})).toEqual([[...bytes], 10, [fileUrl.href]]);
    const urls: string[] = [];
    const fetch: Fetch = (url) => {
      urls.push(url);
      return Promise.resolve(new Response(url.includes('.json') ? JSON.stringify(part.index) : bytes));
    };
    const { readFile } = platform;
    Object.assign(platform, { readFile: null });
    try {
      const url = 'm/one%20net-00001-of-00001.bin';
      expect(await readAll('m/one%20net.json?sig=a/b', { fetch })).toEqual([[...bytes], 10, [url]]);
      expect(urls).toEqual(['m/one%20net.json?sig=a/b', url]);
    } finally {
      Object.assign(platform, { readFile });
    }
  });

  test('may have an index of any name, but no other JSON', async () => {
    await writeFile(path(shards.keys().next().value ?? ''), bytes);
    await writeFile(path('net-index'), JSON.stringify(index));
    expect(await readAll(path('net-index'), {})).toEqual([[...bytes], 10, [path('net-00001-of-00001.bin')]]);
    await writeFile(path('no-text'), Uint8Array.of(0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    await expect(readAll(path('no-text'), {})).rejects.toMatchObject({ name: 'WeightsError', op: path('no-text') });
    await writeFile(path('other'), '{"error": "not found"}');
    await expect(readAll(path('other'), {})).rejects.toMatchObject({
      ...{ expected: 'a safetensors file', got: 'JSON: an error of a server: {"error": "not found"}' },
    });
  });

  test('at a path are read from there, also with a fetch of the caller', async () => {
    await writeFile(path('net'), bytes);
    const fetch = (): never => {
      throw new Error('not a URL');
    };
    expect(await readAll(path('net'), { fetch })).toEqual([[...bytes], 10, []]);
  });
});

describe('a source', () => {
  const failure = (source: unknown, options?: SourceOptions): Promise<unknown> =>
    openSource(source as WeightsSource, resolveSourceOptions(options))
      .chunks[Symbol.asyncIterator]()
      .next()
      .catch((error: unknown) => error);
  async function* once(chunk: unknown): AsyncGenerator {
    yield await Promise.resolve(chunk);
  }

  test('that cannot be read has its cause, and a hint', async () => {
    expect(await failure(path('absent'))).toMatchObject({
      ...{ name: 'WeightsError', op: path('absent'), expected: 'a readable file', hint: 'Check the path.' },
      cause: { code: 'ENOENT' },
    });
    expect(await failure(path('.'))).toMatchObject({ hint: expect.stringMatching(/^Pass a file in it\. .+\.$/) });
    expect(await failure('s3://b/net')).toMatchObject({ hint: expect.stringContaining('aws s3 presign') });
  });

  test('has chunks of bytes, and a stream if it says so', async () => {
    const expected = 'chunks that are Uint8Arrays';
    const hint = 'Read the stream without an encoding.';
    expect(await failure(once('x'))).toMatchObject({ expected, got: 'string', hint });
    const other = await failure(once(5));
    expect(other).toMatchObject({ expected, got: 'number' });
    expect(other).not.toHaveProperty('hint');
    expect(await failure({ stream: () => 5 })).toMatchObject({ expected: 'a stream from stream()', got: '5' });
  });

  test('of another scheme is read by the fetch of the caller', async () => {
    const fetch: Fetch = (url) => Promise.resolve(new Response(url));
    const chunk = await failure('s3://b/net', { fetch });
    expect(chunk).toEqual({ done: false, value: new TextEncoder().encode('s3://b/net') });
  });

  test('is a relative URL if the runtime has no files, and named without its query', () => {
    const { readFile } = platform;
    Object.assign(platform, { readFile: null });
    try {
      expect(openSource('net?token=1').name).toBe('net?…');
    } finally {
      Object.assign(platform, { readFile });
    }
    expect(openSource('net?token=1').name).toBe('net?token=1');
  });
});

test('temporary files of processes that have ended are removed, and no others', async () => {
  const others = [
    'net.4194305.1.tmp',
    'a.net.4194305.1.tmp',
    '.net.4194305.1.tmp~',
    '.net.x.1.tmp',
    `.net.${process.ppid}.1.tmp`,
  ];
  await mkdir(path('left'));
  for (const name of [...others, '.net.4194305.1.tmp', '.net.4194305.12.tmp', `.net.${process.pid}.3.tmp`]) {
    await writeFile(path('left', name), '');
  }
  await removeLeftovers(path('left'));
  expect((await readdir(path('left'))).sort()).toEqual(others.sort());
});

describe('a stream', () => {
  test('may have readers without the promise of its end, and chunks without bytes', async () => {
    const chunks: { done: boolean; value?: Uint8Array }[] = [
      { done: false },
      { done: false, value: Uint8Array.of(1) },
      { done: true },
    ];
    const getReader = (options?: unknown) => {
      if (options !== undefined) throw new TypeError('no bytes');
      return { read: () => Promise.resolve(chunks.shift() ?? { done: true }), cancel: () => Promise.resolve() };
    };
    const read: unknown[] = [];
    for await (const chunk of readStream({ getReader }, 'net', PATIENT)) read.push(chunk);
    expect(read).toEqual([Uint8Array.of(1)]);
  });

  test('is closed before its reader ends', async () => {
    let isClosed = false;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false as const, value: Uint8Array.of(1) }),
        return: async () => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          isClosed = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    for await (const chunk of readIterable(source, 'net', PATIENT)) {
      expect(chunk).toHaveLength(1);
      break;
    }
    expect(isClosed).toBe(true);
  });

  test('that stalls is named', async () => {
    const options = resolveSourceOptions({ timeout: 1 });
    const stalled = (): ReadableStream<Uint8Array> => new ReadableStream();
    for (const source of [stalled(), { body: stalled() }, { stream: stalled }]) {
      const read = openSource(source, options).chunks[Symbol.asyncIterator]().next();
      await expect(read).rejects.toMatchObject({ op: 'weights', expected: 'the next bytes within 0.001 s' });
    }
    expect(() => resolveSourceOptions({ signal: any(5) })).toThrow(
      refusal(ParamError, 'signal', 'an AbortSignal', '5'),
    );
  });
});

describe('a request', () => {
  const URL_ = 'https://h/net';
  const load = async (fetch: Fetch, options: SourceOptions = {}): Promise<number> => {
    let bytes = 0;
    const source = openSource(URL_, resolveSourceOptions({ fetch, retries: 0, ...options }));
    for await (const chunk of source.chunks) bytes += chunk.length;
    expect(source.total()).toBe(bytes);
    return bytes;
  };
  const broken = (headers: Record<string, string>, failure?: Error): Response =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(3));
          if (failure === undefined) controller.close();
        },
        pull(controller) {
          controller.error(failure);
        },
      }),
      { headers },
    );

  test('knows the size of its file', async () => {
    expect(await load(() => Promise.resolve(new Response('abc', { headers: { 'content-length': '3' } })))).toBe(3);
  });

  test('that breaks says after how many bytes, and why', async () => {
    const failure = new Error('line');
    await expect(load(() => Promise.resolve(broken({}, failure)))).rejects.toMatchObject({
      ...{
        op: URL_,
        expected: 'weights to the end',
        got: 'line, after 3 of unknown bytes in 1 attempt',
        cause: failure,
      },
    });
    await expect(load(() => Promise.resolve(broken({ 'content-length': '5' })))).rejects.toMatchObject({
      ...{ got: '3 of 5 bytes, after 3 of 5 bytes in 1 attempt', hint: expect.stringContaining('sends a validator') },
    });
  });

  test('without a response has the cause, and a hint of browsers only for their messages', async () => {
    const failure = new TypeError('it failed to fetch');
    const error: unknown = await load(() => Promise.reject(failure)).catch((each: unknown) => each);
    expect(error).toMatchObject({ expected: 'a response', got: 'it failed to fetch', cause: failure });
    expect(error).not.toHaveProperty('hint');
  });

  test('without a response is not repeated, but one without a byte is', async () => {
    let count = 0;
    const fail: Fetch = () => {
      count++;
      return Promise.reject(new TypeError('Failed to fetch'));
    };
    await expect(load(fail, { retries: 3 })).rejects.toMatchObject({
      hint: 'Check the URL, and whether the server allows other origins (CORS). The console of the browser has the reason.',
    });
    expect(count).toBe(1);
    const breakOnce: Fetch = () => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.error(new Error('line'));
        },
      });
      return Promise.resolve(new Response(count++ === 1 ? body : 'abc', { headers: { 'content-length': '3' } }));
    };
    expect(await load(breakOnce, { retries: 1 })).toBe(3);
    expect(count).toBe(3);
  });

  test('without a response hides the query of its URL, also in the cause', async () => {
    const fail = async (url: string, failure: Error): Promise<unknown> => {
      const options = resolveSourceOptions({ fetch: () => Promise.reject(failure) });
      return openSource(url, options)
        .chunks[Symbol.asyncIterator]()
        .next()
        .catch((error: unknown) => error);
    };
    const [secret, plain] = ['https://h/net?token=1', 'https://h/net'];
    const hidden = await fail(secret, new Error(`no way to ${secret}`));
    expect(hidden).toMatchObject({ op: 'https://h/net?…', got: 'no way to https://h/net?…' });
    expect(hidden).not.toHaveProperty('cause');
    for (const [url, cause] of [
      [secret, new Error('line')],
      [plain, new Error(`no way to ${plain}`)],
    ] as const) {
      expect(await fail(url, cause)).toMatchObject({ got: cause.message, cause });
    }
    const typed = new ParamError({ op: 'a', expected: 'b', got: 'c' });
    expect(await fail(plain, typed)).toBe(typed);
  });

  test('is ended with the load, and leaves no listener at the signal', async () => {
    const { signal } = new AbortController();
    const [added, removed] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    const requests: AbortSignal[] = [];
    const fetch: Fetch = (_, init) => {
      requests.push(init.signal);
      return Promise.resolve(new Response('abc', { headers: { 'content-length': '3' } }));
    };
    expect(await load(fetch, { signal })).toBe(3);
    expect(requests.map(({ aborted }) => aborted)).toEqual([true]);
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });

  test('is aborted with the load', async () => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    const fetch: Fetch = (_, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return new Promise(() => undefined);
    };
    const loading = load(fetch, { signal: controller.signal });
    controller.abort('enough');
    await expect(loading).rejects.toBe('enough');
    expect(reasons).toEqual(['enough']);
  });
});

describe('the name of a shard', () => {
  test.each<[unknown, boolean]>([
    ['net.bin', true],
    ['..net', true],
    ['.net', true],
    ['...', true],
    ['.', false],
    ['..', false],
    ['', false],
    ['a/b', false],
    ['a\n', false],
    [5, false],
    [['a'], false],
  ])('%p is one: %p', (name, is) => {
    expect(isFileName(name)).toBe(is);
  });

  test('is resolved by the folder of the index', () => {
    expect(resolveShard('a/b.json', 's 1', true)).toBe('a/s 1');
    expect(resolveShard('a/b.json?x=/y', 's 1', false)).toBe('a/s%201');
    expect(resolveShard('a/b.json#x\n/y', 's', false)).toBe('a/s');
    expect(resolveShard('s3://b/a.json', 's 1', true)).toBe('s3://b/s%201');
    expect(resolveShard('https://h/a/b.json?x=1', 's', true)).toBe('https://h/a/s');
  });
});

test('an index may have one empty shard, with or without a hash of the whole', () => {
  const { index } = cutShards(new Uint8Array(0), { name: 'a' });
  expect(readShardIndex(index)).toEqual(index);
  expect(readShardIndex({ ...index, sha256: undefined }).sha256).toBeUndefined();
  expect(readShardIndex({ ...index, sha256: index.sha256?.toUpperCase() }).sha256).toBe(index.sha256);
  const two = cutShards(new Uint8Array(2), { name: 'a', limit: 1 }).index;
  expect(() => readShardIndex({ ...two, sha256: undefined })).toThrow(
    refusal(WeightsError, 'shards', 'a sha256 of the whole file', 'none'),
  );
});

describe('a configuration', () => {
  const stored = resolveConfig({ dims: [4, 6, 8], strides: [2, 2], num_classes: 3, act_num: 1 });
  const described = { names: new Map([['stem.0.weight', 1]]), metadata: writeConfig(stored) };

  test('ignores keys without a value', () => {
    expect(configOf(described, { num_classes: undefined, lambda: undefined }, 'net')).toEqual(stored);
  });

  test('that is missing has the form of the tensors, by default that of training', () => {
    const metadata = new Map<string, string>();
    const config = { dims: [4, 6, 8], strides: [2, 2], num_classes: 3 };
    expect(configOf({ names: described.names, metadata }, config, 'net').form).toBe('deploy');
    expect(configOf({ names: new Map(), metadata }, config, 'net').form).toBe('train');
    expect(() => configOf({ names: new Map(), metadata }, undefined, 'net')).toThrow(
      expect.objectContaining({ hint: "Pass { config: { variant: 'vanillanet_5' } } or other sizes." }),
    );
    expect(() => readConfig(new Map([['vanillanet', '[]']]))).toThrow(
      refusal(WeightsError, 'metadata', 'a JSON object', '[]'),
    );
  });

  test('with an unknown lambda contradicts a known one', () => {
    const known = { ...described, metadata: writeConfig({ ...stored, lambda: 0.5 }) };
    expect(() => configOf(known, { lambda: null }, 'net')).toThrow(
      refusal(WeightsError, 'net', 'lambda null', 'lambda 0.5'),
    );
  });
});

describe('a response', () => {
  const response = (status: number, headers?: Record<string, string>): ResponseLike => ({
    ...{ ok: status < 300, status, url: '', body: null },
    ...(headers === undefined ? {} : { headers: { get: (name: string) => headers[name] ?? null } }),
  });
  const version = { total: 100, tag: '"a"', modified: 'Monday' };
  const position: Position = { at: 40, version };
  const rest = (headers: Record<string, string>, where = position): (() => void) => {
    return () => {
      checkRest(response(206, headers), where, 'https://h/net');
    };
  };

  test.each<[string, Record<string, string>, boolean]>([
    ['of the rest', { 'content-range': 'bytes 40-99/100' }, true],
    ['of the rest of an unknown size', { 'content-range': 'bytes 40-99/*' }, true],
    ['of the rest of another size', { 'content-range': 'bytes 40-98/99' }, false],
    ['of another part', { 'content-range': 'bytes 41-99/100' }, false],
    ['of another unit', { 'content-range': 'x bytes 40-99/100' }, false],
    ['of a range with more', { 'content-range': 'bytes 40-99/100x' }, false],
    ['of a range of no form', { 'content-range': 'all' }, false],
    ['without a range, of the right length', { 'content-length': '60' }, true],
    ['without a range, of another length', { 'content-length': '61' }, false],
    ['without a range or length', {}, false],
    ['of another tag', { 'content-range': 'bytes 40-99/100', etag: '"b"' }, false],
    ['of another date', { 'content-range': 'bytes 40-99/100', 'last-modified': 'Tuesday' }, false],
    [
      'of the same tag and another date',
      { 'content-range': 'bytes 40-99/100', etag: '"a"', 'last-modified': 'Tuesday' },
      true,
    ],
    ['that is compressed', { 'content-range': 'bytes 40-99/100', 'content-encoding': 'gzip' }, false],
  ])('%s continues a file: %p', (_, headers, does) => {
    if (does) expect(rest(headers)).not.toThrow();
    else
      expect(rest(headers)).toThrow(
        refusal(WeightsError, 'https://h/net', 'the rest of the file, from byte 40 on', ''),
      );
  });

  test('names what it is instead', () => {
    const none = {
      got: 'content-range none, content-length none',
      hint: 'Load it again from the start: the file has changed, or the server does not send parts of it.',
    };
    expect(rest({})).toThrow(expect.objectContaining(none));
    expect(() => {
      checkRest(response(206), position, 'https://h/net');
    }).toThrow(expect.objectContaining(none));
    expect(rest({ 'content-range': 'x', 'content-length': '5' })).toThrow(
      refusal(WeightsError, '', '', 'content-range x, content-length 5'),
    );
    for (const [status, got] of [
      [200, 'status 200: it has changed, or is sent only whole'],
      [304, 'status 304'],
    ] as const) {
      const check = (): void => {
        checkRest(response(status), position, 'https://h/net');
      };
      expect(check).toThrow(expect.objectContaining({ got }));
    }
  });

  test('of an unknown version continues it at any size', () => {
    const unknown = { at: 40, version: null };
    expect(rest({ 'content-range': 'bytes 40-99/100' }, unknown)).not.toThrow();
    expect(rest({ 'content-length': '60' }, unknown)).toThrow(WeightsError);
    const noSize = { at: 40, version: { total: null, tag: '"a"', modified: null } };
    expect(rest({ 'content-range': 'bytes 40-99/100' }, noSize)).not.toThrow();
    expect(rest({ 'content-length': '-40' }, noSize)).toThrow(WeightsError);
  });

  test('must have a body', async () => {
    const read = openSource(response(200)).chunks[Symbol.asyncIterator]().next();
    await expect(read).rejects.toMatchObject({
      ...{ op: 'response', expected: 'a response with a body', got: 'none', hint: 'Check the URL.' },
    });
  });

  test('to a relative URL is named without its query', async () => {
    const options = { timeout: Infinity, signal: undefined, fetch: () => any(5) };
    const request = requestBytes('net?token=1', { at: 0, version: null }, options, new AbortController().signal);
    await expect(request).rejects.toMatchObject({ op: 'net?…', expected: 'a response from fetch', got: '5' });
  });

  test('without headers has no version', () => {
    expect(fileVersion(response(200))).toEqual({ total: null, tag: null, modified: null });
    expect(fileVersion(response(200, { etag: 'W/"a"' }))).toEqual({ total: null, tag: 'W/"a"', modified: null });
    expect(fileVersion(response(200, { 'content-length': '5' })).total).toBe(5);
    const none = { total: null, tag: null, modified: null };
    expect(mismatch(response(206), none, false)).toBeNull();
    expect(mismatch(response(206, { etag: '"b"' }), none, true)).toBeNull();
    const weak = { total: null, tag: 'W/"a"', modified: 'Monday' };
    expect(mismatch(response(206, { etag: 'W/"a"', 'last-modified': 'Tuesday' }), weak, true)).toBe(
      'last-modified Tuesday, not Monday',
    );
    expect(mismatch(response(206), version, true)).toBeNull();
    expect(mismatch(response(206), version, false)).toBe('a response without etag or last-modified');
    expect(mismatch(response(206, { 'last-modified': 'Tuesday' }), { ...none, modified: 'Monday' }, true)).toBe(
      'last-modified Tuesday, not Monday',
    );
    expect(mismatch(response(206, { 'last-modified': 'Tuesday' }), { ...none, tag: '"a"' }, true)).toBeNull();
  });

  test('is requested with the version of what has come', async () => {
    const sent: Record<string, string>[] = [];
    const fetch = (_: string, { headers }: { readonly headers: Record<string, string> }): Promise<ResponseLike> => {
      sent.push(headers);
      return Promise.resolve(response(200));
    };
    const wait = { timeout: Infinity, signal: undefined, fetch };
    const { signal } = new AbortController();
    for (const where of [{ at: 0, version: null }, { at: 0, version }, position, { at: 40, version: null }]) {
      await requestBytes('https://h/net', where, wait, signal);
    }
    await requestBytes(
      'https://h/net',
      { at: 40, version: { total: 100, tag: 'W/"a"', modified: null } },
      wait,
      signal,
    );
    expect(sent).toEqual([
      { 'accept-encoding': 'identity' },
      { 'accept-encoding': 'identity' },
      { 'accept-encoding': 'identity', range: 'bytes=40-', 'if-range': '"a"' },
      { 'accept-encoding': 'identity', range: 'bytes=40-' },
      { 'accept-encoding': 'identity', range: 'bytes=40-' },
    ]);
  });
});

describe('the pace of a stream', () => {
  const chunk = (length: number) => ({ done: false, value: new Uint8Array(length) });
  const wait = (timeout: number) => ({ timeout, signal: undefined });

  test('names its errors, and only those are timeouts', async () => {
    const pace = new Pace('net', wait(1));
    const error: unknown = await pace
      .next<{ done: boolean }>(new Promise(() => undefined))
      .catch((each: unknown) => each);
    expect(error).toMatchObject({
      ...{ op: 'net', expected: 'the next bytes within 0.001 s', got: 'none' },
      hint: 'Increase timeout if the connection is slow; 0 waits forever.',
    });
    expect(isReadTimeout(error)).toBe(true);
    for (const other of [new Error('x'), null, undefined, 5, 'x']) expect(isReadTimeout(other)).toBe(false);
  });

  test('counts the bytes that came too slowly', async () => {
    const pace = new Pace('net', wait(40));
    await pace.next(new Promise<ReturnType<typeof chunk>>((resolve) => setTimeout(resolve, 20, chunk(PROGRESS - 1))));
    const late = pace.next<{ done: boolean }>(new Promise(() => undefined));
    await expect(late).rejects.toMatchObject({
      ...{ expected: `${PROGRESS} bytes or the end within 0.04 s`, got: `${PROGRESS - 1} bytes` },
    });
  });

  test('begins anew when enough bytes have come', async () => {
    const pace = new Pace('net', wait(500));
    // Longer than the timeout in all.
    for (let i = 0; i < 2; i++) {
      const read = pace.next(
        new Promise<ReturnType<typeof chunk>>((resolve) => setTimeout(resolve, 300, chunk(PROGRESS))),
      );
      expect((await read).value).toHaveLength(PROGRESS);
    }
  });

  test('has no time for empty chunks after the timeout', async () => {
    const pace = new Pace('net', wait(0));
    await expect(pace.next(Promise.resolve(chunk(0)))).rejects.toMatchObject({ got: 'none' });
    expect(await new Pace('net', wait(0)).next(Promise.resolve(chunk(1)))).toEqual(chunk(1));
    expect(await new Pace('net', wait(0)).next(Promise.resolve({ done: true, value: undefined }))).toEqual({
      done: true,
    });
  });
});

test('the size of a source is what it states', () => {
  const body = new ReadableStream<Uint8Array>();
  const totalOf = (source: object): unknown => openSource(source as WeightsSource).total();
  expect(totalOf(new Uint8Array(3))).toBe(3);
  expect(totalOf(new Blob(['abc']))).toBe(3);
  expect(totalOf({ body, size: 7 })).toBe(7);
  expect(totalOf({ body, size: '7' })).toBeNull();
  expect(totalOf({ body })).toBeNull();
  expect(totalOf(body)).toBeNull();
  expect(totalOf(new Response('abc', { headers: { 'content-length': '3' } }))).toBe(3);
});

test('a retry waits for the system', async () => {
  let isOver = false;
  const pause = SYSTEM.pause(1).then(() => {
    isOver = true;
  });
  await Promise.resolve();
  expect(isOver).toBe(false);
  await pause;
  expect(SYSTEM.platform).toBe(process.platform);
});
