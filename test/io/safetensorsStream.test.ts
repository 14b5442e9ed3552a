/** A weight file read in chunks equals the file read at once. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WeightsError } from '../../src/core/errors.js';
import type { FloatArray, StateDict } from '../../src/core/tensor.js';
import { collectState, type WeightPart } from '../../src/core/weights.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { streamSafetensors } from '../../src/io/safetensorsStream.js';
import { refusal } from './refusal.js';

/** Bytes in chunks of one size, in one buffer that is overwritten for every chunk. */
class Chunks implements AsyncIterable<Uint8Array> {
  /** Whether the reader has stopped. */
  isClosed = false;
  constructor(
    private readonly bytes: Uint8Array,
    private readonly size: number,
  ) {}

  // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const chunk = new Uint8Array(this.size);
    try {
      for (let at = 0; at < this.bytes.length; at += this.size) {
        const part = this.bytes.subarray(at, at + this.size);
        chunk.fill(0xff);
        chunk.set(part);
        yield chunk.subarray(0, part.length);
      }
    } finally {
      this.isClosed = true;
    }
  }
}

const fixture = new Uint8Array(readFileSync(new URL('fixtures/dtypes.safetensors', import.meta.url)));

/** Tensors larger than a part, with odd row widths that do not divide it. */
const large: StateDict = new Map([
  ['wide', { shape: [3, 70_001], data: Float32Array.from({ length: 210_003 }, (_, i) => Math.sin(i)) }],
  ['rows', { shape: [1000, 77], data: Float32Array.from({ length: 77_000 }, (_, i) => Math.cos(i)) }],
  ['double', { shape: [66_000], data: Float64Array.from({ length: 66_000 }, (_, i) => Math.sin(i / 7)) }],
  ['bn.num_batches_tracked', { shape: [], data: Float64Array.of(7) }],
]);

/** Bytes compare faster than arrays of numbers. */
const asBytes = (state: StateDict) =>
  [...state].map(([name, { data, shape }]) => ({ name, shape, type: data.constructor.name, bytes: bytesOf(data) }));
const bytesOf = ({ buffer, byteOffset, byteLength }: FloatArray): string =>
  createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');

const streamed = async (bytes: Uint8Array, size: number): Promise<StateDict> =>
  collectState(await streamSafetensors(new Chunks(bytes, size), 'net'));

describe('streamSafetensors equals decodeSafetensors', () => {
  test.each([1, 2, 3, 7, 64, 1000, 1 << 20])('every type, in chunks of %i', async (size) => {
    const { tensors, metadata } = decodeSafetensors(fixture);
    const stream = await streamSafetensors(new Chunks(fixture, size), 'net');
    expect(stream.metadata).toEqual(metadata);
    expect([...stream.shapes]).toEqual([...tensors].map(([name, { shape }]) => [name, shape]));
    expect([...(await collectState(stream))]).toEqual([...tensors]);
  });

  test.each([61, 4096, 99_991, 1 << 24])('tensors larger than a part, in chunks of %i', async (size) => {
    expect(asBytes(await streamed(encodeSafetensors(large), size))).toEqual(asBytes(large));
  });
});

test('parts are consecutive, begin at multiples of eight rows if possible, and share one buffer', async () => {
  const stream = await streamSafetensors(new Chunks(encodeSafetensors(large), 1000), 'net');
  const next = new Map<string, number>();
  const buffers = new Set<ArrayBufferLike>();
  for await (const { name, offset, data } of stream.parts()) {
    expect(offset).toBe(next.get(name) ?? 0);
    next.set(name, offset + data.length);
    expect(data.byteLength).toBeLessThanOrEqual(2 ** 19);
    if (name === 'rows') expect(offset % (8 * 77)).toBe(0);
    buffers.add(data.buffer);
  }
  expect([...next].sort()).toEqual([...large].map(([name, { data }]) => [name, data.length]).sort());
  expect(buffers.size).toBe(1);
});

describe('streamSafetensors refuses what decodeSafetensors refuses', () => {
  const small = encodeSafetensors(new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]));

  test('a file cut short at any byte, or too long', async () => {
    for (let length = 0; length < small.length; length++) {
      const short = small.subarray(0, length);
      expect(() => decodeSafetensors(short)).toThrow(WeightsError);
      await expect(streamed(short, 3)).rejects.toThrow(WeightsError);
    }
    await expect(streamed(small.subarray(0, -3), 4)).rejects.toThrow(
      refusal(WeightsError, 'net', '8 bytes of data', '5: it is cut short'),
    );
    await expect(streamed(Uint8Array.of(...small, 0), 4)).rejects.toThrow(
      refusal(WeightsError, 'net', '8 bytes of data', 'more'),
    );
    await expect(streamed(small.subarray(0, 20), 4)).rejects.toThrow(
      refusal(WeightsError, 'net', 'bytes of header', '20 bytes: it is cut short'),
    );
  });

  test('a file of another format', async () => {
    await expect(streamed(new TextEncoder().encode('PK\x03\x04 and so on'), 4)).rejects.toThrow(WeightsError);
    const page = new TextEncoder().encode('<!doctype html><title>Not found</title>');
    await expect(streamed(page, 4)).rejects.toThrow(refusal(WeightsError, 'net', 'a safetensors file', 'an HTML page'));
  });

  test.each<[string, number, string, string, string]>([
    ['a header that does not begin with a brace', 4_000_000, 'PK', 'a safetensors file', 'an unknown format'],
    ['a header longer than any network needs', 90_000_000, '{"', 'a header of at most 4194304 bytes', '90000000'],
    ['an empty header', 0, '{"', 'a header that is a JSON object', ''],
  ])('%s, after the first bytes', async (_, length, text, expected, got) => {
    let bytesRead = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      const head = new Uint8Array(8 + text.length);
      new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
      head.set(new TextEncoder().encode(text), 8);
      for (let chunk = head; ; chunk = new Uint8Array(1000).fill(0x20)) {
        bytesRead += chunk.length;
        yield await Promise.resolve(chunk);
      }
    };
    await expect(streamSafetensors(endless(), 'net')).rejects.toThrow(refusal(WeightsError, 'net', expected, got));
    expect(bytesRead).toBeLessThan(1100);
  });

  test('but not a header of megabytes, as of many class names', async () => {
    const [metadata, bias] = [new Map([['names', 'x'.repeat(3e6)]]), { shape: [1], data: Float32Array.of(5) }];
    const bytes = encodeSafetensors(new Map([['bias', bias]]), { metadata });
    expect([...(await streamed(bytes, 65_536))]).toEqual([['bias', bias]]);
  });

  test('an integer that is too large, with its position in the tensor', async () => {
    const count = 70_000;
    const header = new TextEncoder().encode(
      JSON.stringify({ n: { dtype: 'I64', shape: [count], data_offsets: [0, 8 * count] } }),
    );
    const bytes = new Uint8Array(8 + header.length + 8 * count);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    view.setBigInt64(8 + header.length + 8 * 69_999, 2n ** 60n, true);
    await expect(streamed(bytes, 4096)).rejects.toThrow(
      refusal(WeightsError, 'net: n', 'integers of at most 2^53', 'at element 69999'),
    );
  });
});

describe('the source is closed', () => {
  const bytes = encodeSafetensors(large);

  test('at the end', async () => {
    const chunks = new Chunks(bytes, 1000);
    await collectState(await streamSafetensors(chunks, 'net'));
    expect(chunks.isClosed).toBe(true);
  });

  test('when its header is refused', async () => {
    const chunks = new Chunks(new TextEncoder().encode('not a weight file at all'), 10);
    await expect(streamSafetensors(chunks, 'net')).rejects.toThrow(WeightsError);
    expect(chunks.isClosed).toBe(true);
  });

  test('when its parts are not read, or not to the end', async () => {
    const unread = new Chunks(bytes, 1000);
    const stream = await streamSafetensors(unread, 'net');
    expect(unread.isClosed).toBe(false);
    await stream.close();
    expect(unread.isClosed).toBe(true);

    const abandoned = new Chunks(bytes, 1000);
    const parts: WeightPart[] = [];
    for await (const part of (await streamSafetensors(abandoned, 'net')).parts()) {
      parts.push(part);
      break;
    }
    expect(parts).toHaveLength(1);
    expect(abandoned.isClosed).toBe(true);
  });
});
