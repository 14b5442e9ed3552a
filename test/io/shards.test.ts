/** Shards give the same weights as their file, and errors name the wrong shard. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Backend } from '../../src/core/backend.js';
import { BackendUnavailableError, ParamError, WeightsError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { openShards, type OpenShard } from '../../src/io/openShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { readShardIndex, type ShardIndex } from '../../src/io/shardIndex.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { loadModel, type LoadModelOptions } from '../../src/model/loadModel.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { refusal } from './refusal.js';
import { slowServer } from './slowServer.js';
import { temporaryFolder } from './temporaryFolder.js';

const config = drawnConfig('deploy');
const bytes = encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'int8' });
const sha256 = createHash('sha256').update(bytes).digest('hex');
const { index, shards } = cutShards(bytes, { name: 'net', limit: Math.ceil(bytes.length / 3.5) });
const files = [...shards.keys()];
const { data } = drawnImages(config, 1);
let logits: FloatArray;
beforeAll(async () => {
  logits = await (await loadModel(bytes)).forward(data);
});

const shard = (file: string): Uint8Array => shards.get(file) ?? new Uint8Array(0);
const logitsOf = async (source: WeightsSource, options?: LoadModelOptions): Promise<FloatArray> =>
  (await loadModel(source, options)).forward(data);
const stream = (file: string): ReadableStream<Uint8Array> => new Blob([shard(file).slice()]).stream();

test('cutShards cuts a file at the limit, and its index describes the shards', () => {
  expect(files).toEqual([1, 2, 3, 4].map((i) => `net-0000${i}-of-00004.bin`));
  expect(Buffer.concat([...shards.values()]).equals(bytes)).toBe(true);
  expect(index).toMatchObject({ format: 'vanillanet-shards', version: 1, bytes: bytes.length, sha256 });
  expect(index.shards[3].sha256).toBe(createHash('sha256').update(shard(files[3])).digest('hex'));
  expect(readShardIndex(JSON.stringify(index))).toEqual(index);
  expect([...cutShards(new Uint8Array(0), { name: 'x' }).shards.keys()]).toEqual(['x-00001-of-00001.bin']);
});

test.each([
  [{ name: 'a/b' }, 'without a folder'],
  [{ name: '..' }, 'without a folder'],
  [{ name: 'x', limit: 0 }, 'a limit'],
  [{ name: 'x', limit: 0.5 }, 'a limit'],
])('cutShards refuses %j', (options, expected) => {
  expect(() => cutShards(bytes, options)).toThrow(refusal(ParamError, 'cutShards', expected, ''));
});

describe('a model loaded from shards', () => {
  const path = temporaryFolder();
  const serve = slowServer();

  test.each<[string, OpenShard]>([
    ['bytes', shard],
    ['a buffer', (file) => shard(file).slice().buffer],
    ['streams of KV', (file) => Promise.resolve(stream(file))],
    ['objects of R2', (file) => Promise.resolve({ body: stream(file) })],
    ['responses of a cache', (file) => Promise.resolve(new Response(shard(file).slice()))],
  ])('opened as %s', async (_, open) => {
    expect(await logitsOf(openShards(index, open), { sha256 })).toEqual(logits);
    expect(await logitsOf(openShards(JSON.stringify(index), open))).toEqual(logits);
  });

  test('by the path or URL of the index', async () => {
    for (const [file, content] of shards) await writeFile(path(file), content);
    await writeFile(path('net.json'), JSON.stringify(index, null, 1));
    expect(await logitsOf(path('net.json'))).toEqual(logits);
    expect(await logitsOf(pathToFileURL(path('net.json')))).toEqual(logits);
    expect(await logitsOf(path('net.json'), { sha256 })).toEqual(logits);
    const other = 'f'.repeat(64);
    await expect(logitsOf(path('net.json'), { sha256: other })).rejects.toThrow(
      refusal(WeightsError, path('net.json'), `sha256 ${other}`, `${sha256} in the index`),
    );
  });

  test('by a custom fetch, relative to the index', async () => {
    const requests: string[] = [];
    const fetch = (url: string): Promise<Response> => {
      requests.push(url);
      const file = url.slice(url.lastIndexOf('/') + 1);
      return Promise.resolve(new Response(file === 'net.json?v=2' ? JSON.stringify(index) : shard(file).slice()));
    };
    expect(await logitsOf('https://assets.local/models/net.json?v=2', { fetch })).toEqual(logits);
    expect(requests.slice(1)).toEqual(files.map((file) => `https://assets.local/models/${file}`));
  });

  test('is refused with the name of a missing shard', async () => {
    const { [0]: missing } = files;
    await expect(logitsOf(openShards(index, () => null))).rejects.toThrow(
      refusal(WeightsError, missing, 'a shard', 'none'),
    );
    await expect(
      logitsOf(
        openShards(index, () => {
          throw new Error('no such binding');
        }),
      ),
    ).rejects.toThrow(refusal(WeightsError, missing, 'a shard', 'no such binding'));
    const { url } = serve((_, response) => response.writeHead(404).end());
    await expect(logitsOf(openShards(index, () => url))).rejects.toThrow(
      refusal(WeightsError, url, 'a response that is OK', 'status 404'),
    );
  });
});

/** Cuts the file at any positions, into shards of different sizes. */
function cutAt(...positions: number[]): { index: ShardIndex; shards: Map<string, Uint8Array> } {
  const ends = [...positions, bytes.length];
  const parts = ends.map((end, i): [string, Uint8Array] => [`p${i}`, bytes.subarray(i === 0 ? 0 : ends[i - 1], end)]);
  const hash = (part: Uint8Array): string => createHash('sha256').update(part).digest('hex');
  const entries = parts.map(([file, part]) => ({ file, bytes: part.length, sha256: hash(part) }));
  return { index: { ...index, shards: entries }, shards: new Map(parts) };
}
/** Where the header ends. */
const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));

describe('a wrong shard', () => {
  const [first, second, third, last] = files;
  /** All shards, of which one has other content. */
  const withShard = (file: string, content: Uint8Array): AsyncIterable<Uint8Array> =>
    openShards(index, (name) => (name === file ? content : shard(name)));
  const hash = (file: string): string => index.shards.find((each) => each.file === file)?.sha256 ?? '';

  test.each([first, second, third, last])('%s with one bit flipped is refused', async (file) => {
    const { length } = shard(file);
    for (let at = 0; at < length; at += Math.ceil(length / 23)) {
      const flipped = shard(file).slice();
      flipped[at] ^= 1 << (at % 8);
      await expect(logitsOf(withShard(file, flipped))).rejects.toThrow(
        refusal(WeightsError, file, `sha256 ${hash(file)}`, ''),
      );
    }
  });

  test('that holds the metadata, with one of their characters changed, is refused', async () => {
    const large = cutShards(bytes, { name: 'large', limit: bytes.length - 10 });
    const [file, other] = large.shards.keys();
    const content = large.shards.get(file) ?? new Uint8Array(0);
    const text = new TextDecoder().decode(bytes);
    const [from, to] = [text.indexOf('"vanillanet"'), text.indexOf('}"')];
    expect(to - from).toBeGreaterThan(200);
    for (let at = from; at < to; at++) {
      const flipped = content.slice();
      flipped[at] ^= 1 << (at % 5);
      const open = (name: string): Uint8Array | undefined => (name === other ? large.shards.get(other) : flipped);
      await expect(logitsOf(openShards(large.index, open))).rejects.toThrow(
        refusal(WeightsError, file, `sha256 ${large.index.shards[0].sha256}`, ''),
      );
    }
  });

  test('that is another one of the index is identified in the error', async () => {
    for (const [file, other] of [
      [first, second],
      [second, third],
      [third, first],
    ]) {
      await expect(logitsOf(withShard(file, shard(other)))).rejects.toThrow(
        refusal(WeightsError, file, `sha256 ${hash(file)}`, `${hash(other)}: that is ${other}`),
      );
    }
    await expect(logitsOf(withShard(first, shard(last)))).rejects.toThrow(
      refusal(WeightsError, first, `${shard(first).length} bytes`, `${shard(last).length}: that is ${last}`),
    );
    await expect(logitsOf(withShard(last, shard(first)))).rejects.toThrow(
      refusal(WeightsError, last, `${shard(last).length} bytes`, 'more'),
    );
  });

  test('that has the right hash but another position is refused', async () => {
    // Every byte of int8 is valid: between the header and the last scales, only the hash of the whole file shows the order.
    const middle = start + Math.floor((bytes.length - start) / 2);
    const cut = cutAt(start, middle, middle + 24, middle + 48);
    const open = (file: string): Uint8Array => cut.shards.get(file) ?? new Uint8Array(0);
    expect(await logitsOf(openShards(cut.index, open))).toEqual(logits);
    const order = [0, 1, 3, 2, 4].map((i) => cut.index.shards[i]);
    const moved = { ...cut.index, shards: order };
    const orderError = refusal(WeightsError, 'shards', `shards that are sha256 ${sha256} in their order`, '');
    await expect(logitsOf(openShards(moved, open))).rejects.toThrow(orderError);
    await expect(logitsOf(openShards(moved, open), { sha256 })).rejects.toThrow(orderError);
    const read = async (): Promise<void> => {
      for await (const chunk of openShards(moved, open)) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(read()).rejects.toThrow(orderError);
    // Also if reading the weights fails earlier, or at the first byte.
    for (const other of [
      [0, 2, 1, 3],
      [1, 0, 2, 3],
    ]) {
      const shuffled = { ...index, shards: other.map((i) => index.shards[i]) };
      await expect(logitsOf(openShards(shuffled, shard))).rejects.toThrow(orderError);
    }
  });

  test('that is too short or too long is refused', async () => {
    for (const file of files) {
      const { length } = shard(file);
      await expect(logitsOf(withShard(file, shard(file).subarray(0, -1)))).rejects.toThrow(
        refusal(WeightsError, file, `${length} bytes`, `${length - 1}`),
      );
      await expect(logitsOf(withShard(file, Uint8Array.of(...shard(file), 0)))).rejects.toThrow(
        refusal(WeightsError, file, `${length} bytes`, 'more'),
      );
    }
  });

  test('that stalls exceeds the timeout', async () => {
    const stalled = openShards(index, (file) =>
      file === second ? new ReadableStream({ pull: () => new Promise<never>(() => undefined) }) : shard(file),
    );
    await expect(logitsOf(stalled, { timeout: 30 })).rejects.toThrow(
      refusal(WeightsError, second, 'within 0.03 s', 'none'),
    );
    const absent = openShards(index, () => new Promise<never>(() => undefined));
    await expect(logitsOf(absent, { timeout: 30 })).rejects.toThrow(
      refusal(WeightsError, first, 'within 0.03 s', 'none'),
    );
  });

  test('that stalls does not hide an earlier error', async () => {
    const cut = cutAt(start + 8);
    const stalled = openShards(cut.index, (file) => {
      let isFirst = true;
      return new ReadableStream({
        pull(controller) {
          if (isFirst) controller.enqueue(cut.shards.get(file)?.subarray(0, -1));
          const isStalling = !isFirst;
          isFirst = false;
          return isStalling ? new Promise<never>(() => undefined) : undefined;
        },
      });
    });
    await expect(logitsOf(stalled, { timeout: 30, memoryLimit: 10 })).rejects.toThrow(
      refusal(ParamError, 'wasm', 'a network within memoryLimit', ''),
    );
  });

  test('is not searched for if an option of the caller is invalid', async () => {
    for (const [options, op] of [
      [{ config: { num_classes: -1 } }, 'config.num_classes'],
      [{ threads: 0.5 }, 'threads'],
      [{ build: 'slow' as 'plain' }, 'build'],
      [{ memoryLimit: NaN }, 'memoryLimit'],
    ] as const) {
      let chunkCount = 0;
      const single = cutShards(bytes, { name: 'net' });
      const slices = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += 100) {
          chunkCount++;
          yield await Promise.resolve(bytes.subarray(at, at + 100));
        }
      };
      await expect(logitsOf(openShards(single.index, slices), options)).rejects.toThrow(
        refusal(ParamError, op, '', ''),
      );
      expect(chunkCount).toBeLessThan(bytes.length / 100);
    }
  });

  test('that arrives after the timeout is canceled', async () => {
    for (const wrap of [
      (body: ReadableStream) => body,
      (body: ReadableStream) => ({ body }),
      (body: ReadableStream) => new Response(body),
    ]) {
      const events: string[] = [];
      const body = new ReadableStream({
        cancel() {
          events.push('canceled');
        },
      });
      let deliver: (source: WeightsSource) => void = () => undefined;
      const opened = new Promise<WeightsSource>((resolve) => (deliver = resolve));
      await expect(
        logitsOf(
          openShards(index, () => opened),
          { timeout: 20 },
        ),
      ).rejects.toThrow(refusal(WeightsError, first, 'within 0.02 s', 'none'));
      deliver(wrap(body) as WeightsSource);
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(events).toEqual(['canceled']);
    }
  });

  test('is closed like all other shards, and later models are right', async () => {
    let open = 0;
    let chunkCount = 0;
    const counted = (content: Uint8Array): AsyncIterable<Uint8Array> => ({
      async *[Symbol.asyncIterator]() {
        open++;
        try {
          for (let at = 0; at < content.length; at += 100) {
            chunkCount++;
            yield await Promise.resolve(content.subarray(at, at + 100));
          }
        } finally {
          open--;
        }
      },
    });
    const loadWith = (bad: string | null): Promise<FloatArray> =>
      logitsOf(openShards(index, (file) => counted(file === bad ? shard(last) : shard(file))));
    const outcomes = await Promise.allSettled([null, first, null, second, third, null].map(loadWith));
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, false, true]);
    for (const each of outcomes) if (each.status === 'fulfilled') expect(each.value).toEqual(logits);
    expect(open).toBe(0);
    // After an error that is unrelated to the shards, they are not read to the end.
    const absent: Backend = {
      name: 'absent',
      open: () => Promise.reject(new BackendUnavailableError({ op: 'absent', expected: 'a machine', got: 'none' })),
    };
    const single = cutShards(bytes, { name: 'net' });
    chunkCount = 0;
    const chunks = openShards(single.index, () => counted(bytes));
    await expect(logitsOf(chunks, { backend: absent })).rejects.toThrow(BackendUnavailableError);
    expect(chunkCount).toBeLessThan(Math.ceil(bytes.length / 100));
    for await (const chunk of openShards(index, (file) => counted(shard(file)))) {
      expect(chunk).toHaveLength(100);
      break;
    }
    expect(open).toBe(0);
  });
});

describe('the option sha256', () => {
  const flipped = bytes.slice();
  flipped[bytes.length - 1] ^= 1;

  test('accepts the hash of the file, also in upper case', async () => {
    expect(await logitsOf(bytes, { sha256: sha256.toUpperCase() })).toEqual(logits);
    expect(await logitsOf(new Blob([bytes]), { sha256 })).toEqual(logits);
  });

  test('refuses another hash', async () => {
    expect(await logitsOf(flipped)).not.toEqual(logits);
    await expect(logitsOf(flipped, { sha256 })).rejects.toThrow(
      refusal(WeightsError, 'weights', `sha256 ${sha256}`, createHash('sha256').update(flipped).digest('hex')),
    );
    await expect(logitsOf(openShards(index, shard), { sha256: 'f'.repeat(64) })).rejects.toThrow(
      refusal(WeightsError, 'shards', `sha256 ${'f'.repeat(64)}`, `${sha256} in the index`),
    );
  });

  test.each(['', 'f'.repeat(63), 'g'.repeat(64), 5 as unknown as string])(
    'is refused if it is not a hash: %j',
    async (value) => {
      await expect(logitsOf(bytes, { sha256: value })).rejects.toThrow(
        refusal(ParamError, 'sha256', '64 hexadecimal digits', ''),
      );
    },
  );
});

describe('an invalid index', () => {
  const changed = (change: (index: { [key: string]: unknown; shards: Record<string, unknown>[] }) => void): unknown => {
    const copy = structuredClone(index) as unknown as { shards: Record<string, unknown>[] };
    change(copy);
    return copy;
  };
  const cases: [string, unknown, string, string][] = [
    ['truncated JSON', '{"format":', 'in JSON', ''],
    ['a list', [], 'an index of shards', '[]'],
    ['null', null, 'an index of shards', 'null'],
    [
      'another format',
      { error: 'no such file' },
      'an index of shards (format "vanillanet-shards")',
      'JSON: an error of a server',
    ],
    ['a later version', { ...index, version: 2 }, 'of version 1', 'version 2'],
    [
      'a hash other than that of the only shard',
      { ...cutShards(bytes, { name: 'net' }).index, sha256: 'f'.repeat(64) },
      `sha256 ${sha256}, that of the only shard`,
      'f'.repeat(64),
    ],
    ['no shards', { ...index, shards: {} }, 'a list of shards', '{}'],
    ['a wrong sum of bytes', { ...index, bytes: 5 }, `${bytes.length} bytes`, '5'],
    ['several shards without a hash of the whole', { ...index, sha256: undefined }, 'a sha256 of the whole', 'none'],
    ['an invalid hash', { ...index, sha256: 'x' }, 'a sha256', '"x"'],
    ['an invalid shard', changed((it) => (it.shards = [null as never])), 'shard 0 with', 'null'],
    ['a negative size', changed((it) => (it.shards[1]['bytes'] = -1)), `bytes for ${files[1]}`, '-1'],
    ['a shard without a hash', changed((it) => delete it.shards[1]['sha256']), `digits for ${files[1]}`, 'undefined'],
    ['a shard twice', changed((it) => (it.shards[1]['file'] = files[0])), 'each shard once', `${files[0]} twice`],
    ...['../net', '/etc/passwd', 'https://x', 'a\\b', 'a?b', '..', '', 'a%2fb', 'a\nb'].map(
      (file): [string, unknown, string, string] => [
        `the shard name ${JSON.stringify(file)}`,
        changed((it) => (it.shards[0]['file'] = file)),
        'without a folder for shard 0',
        JSON.stringify(file),
      ],
    ),
  ];
  test.each(cases)('is refused: %s', (_, input, expected, got) => {
    expect(() => openShards(input, shard)).toThrow(refusal(WeightsError, 'shards', expected, got));
  });

  test('a valid index is refused as bytes, because its shards need a location', async () => {
    const json = new TextEncoder().encode(JSON.stringify(index));
    await expect(logitsOf(json)).rejects.toThrow(
      refusal(WeightsError, 'weights', 'a safetensors file', 'JSON: an index of shards'),
    );
    await expect(logitsOf(new Response(json))).rejects.toThrow(
      refusal(WeightsError, '', 'a safetensors file', 'JSON: an index of shards'),
    );
  });

  test('a header whose length begins with the byte of a brace is not an index', async () => {
    const header = (text: string): Uint8Array => {
      const file = new Uint8Array(8 + text.length);
      new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
      file.set(new TextEncoder().encode(text), 8);
      return file;
    };
    const bare = header('{}'.padEnd(0x7b));
    expect(bare[0]).toBe(0x7b);
    const singleBytes = async function* (): AsyncGenerator<Uint8Array> {
      for (const byte of bare) yield await Promise.resolve(Uint8Array.of(byte));
    };
    await expect(logitsOf(singleBytes())).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'a configuration', 'neither'),
    );
  });
});

test('shards of any limit give the same model', async () => {
  for (let limit = 100; limit < 2 * bytes.length; limit = Math.ceil(limit * 1.7)) {
    const cut = cutShards(bytes, { name: 'net', limit });
    const open = (file: string): Uint8Array => cut.shards.get(file) ?? new Uint8Array(0);
    const parsed: ShardIndex = readShardIndex(JSON.stringify(cut.index));
    expect(await logitsOf(openShards(parsed, open), { sha256 })).toEqual(logits);
  }
});
