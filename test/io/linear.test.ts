/** The work of every reader grows with its input, and not with the square: counted as bytes that are copied. */
import { describe, expect, test } from '@jest/globals';
import { GrowingBuffer } from '../../src/io/growingBuffer.js';
import { openWeights, resolveWeightsOptions } from '../../src/io/openWeights.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { streamSafetensors } from '../../src/io/safetensorsStream.js';
import { MAX_INDEX, readShardIndex } from '../../src/io/shardIndex.js';
import type { Fetch } from '../../src/io/sourceOptions.js';
import { refusal } from './refusal.js';
import { WeightsError } from '../../src/core/errors.js';

/** The bytes that `set` copies while a function runs. */
async function copiedBy(run: () => Promise<unknown>): Promise<number> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
  const { set } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.set = function (this: Uint8Array, array: ArrayLike<number>, offset?: number): void {
    copied += array.length;
    set.call(this, array, offset);
  };
  try {
    await run();
    return copied;
  } finally {
    Uint8Array.prototype.set = set;
  }
}

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

const responses =
  (bytes: Uint8Array, length: number): Fetch =>
  () => {
    const body = ReadableStream.from(pieces(bytes, length));
    return Promise.resolve({ ok: true, status: 200, url: '', body: body });
  };

const sha256 = 'ab'.repeat(32);
const indexOf = (count: number): string =>
  JSON.stringify({
    format: 'vanillanet-shards',
    version: 1,
    bytes: count,
    sha256,
    shards: Array.from({ length: count }, (_, i) => ({ file: `s${i}`, bytes: 1, sha256 })),
  });

test('an index of 150,000 shards is read, and a name at both ends is found twice', () => {
  // More than a call takes arguments.
  expect(readShardIndex(indexOf(150_000)).shards).toHaveLength(150_000);
  const error = refusal(WeightsError, 'shards', 'each shard once', 's0 twice');
  expect(() => readShardIndex(indexOf(10_000).replace('"s9999"', '"s0"'))).toThrow(error);
});

test.each([
  // An index of one shard has 200 bytes, and every other adds 100.
  { count: 10, length: 1 },
  { count: 400, length: 40 },
])('an index of $count shards in chunks of $length bytes is copied a few times', async ({ count, length }) => {
  const bytes = new TextEncoder().encode(indexOf(count));
  const options = resolveWeightsOptions({ fetch: responses(bytes, length) });
  const copied = await copiedBy(() => openWeights('https://example.org/net.json', options));
  expect(copied).toBeLessThan(4 * bytes.length + 10_000);
});

test('an index above the limit is refused without reading it to its end', async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    const chunk = new TextEncoder().encode('{"a":1,'.padEnd(2 ** 16));
    for (;;) {
      read += chunk.length;
      yield await Promise.resolve(chunk);
    }
  }
  const fetch: Fetch = () =>
    Promise.resolve({
      ok: true,
      status: 200,
      url: '',
      body: ReadableStream.from(endless()),
    });
  await expect(openWeights('https://example.org/net.json', resolveWeightsOptions({ fetch }))).rejects.toThrow(
    refusal(WeightsError, 'https://example.org/net.json', `at most ${MAX_INDEX} bytes`, ''),
  );
  expect(read).toBeLessThan(2 * MAX_INDEX);
});

describe('a file of 10,000 tensors', () => {
  const value = { data: Float32Array.of(1), shape: [1] };
  const bytes = encodeSafetensors(new Map(Array.from({ length: 10_000 }, (_, i) => [`t${i}`, value])));

  test('is decoded', () => {
    expect(decodeSafetensors(bytes).tensors.size).toBe(10_000);
  });

  test.each([1, 1000])('is copied a few times from chunks of %d bytes', async (length) => {
    // Byte by byte only a hundred of them.
    const part =
      length === 1 ? encodeSafetensors(new Map(Array.from({ length: 100 }, (_, i) => [`t${i}`, value]))) : bytes;
    const copied = await copiedBy(async () => {
      const weights = await streamSafetensors(pieces(part, length), 'net');
      let count = 0;
      for await (const { data } of weights.parts()) count += data.length;
      expect(count).toBe(length === 1 ? 100 : 10_000);
    });
    expect(copied).toBeLessThan(4 * part.length + 100_000);
  });
});

describe('GrowingBuffer', () => {
  test('joins chunks of any size', () => {
    const buffer = new GrowingBuffer();
    expect([buffer.length, buffer.bytes.length]).toEqual([0, 0]);
    const expected: number[] = [];
    for (const length of [0, 1, 4095, 1, 10_000, 3]) {
      const chunk = Uint8Array.from({ length }, (_, i) => i + length);
      buffer.add(chunk);
      expected.push(...chunk);
      // The caller may reuse the chunk.
      chunk.fill(0);
      expect(buffer.length).toBe(expected.length);
    }
    expect([...buffer.bytes]).toEqual(expected);
  });
});
