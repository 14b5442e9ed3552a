/** A weight file in pieces is the file; a piece that is not what it should be is named. */
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
const answers = async (source: WeightsSource, options?: LoadModelOptions): Promise<FloatArray> =>
  (await loadModel(source, options)).forward(data);
const stream = (file: string): ReadableStream<Uint8Array> => new Blob([shard(file).slice()]).stream();

test('a file is cut at the limit, and its index holds', () => {
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
])('is not cut by %j', (options, expected) => {
  expect(() => cutShards(bytes, options)).toThrow(refusal(ParamError, 'cutShards', expected, ''));
});

describe('a model of shards', () => {
  const path = temporaryFolder();
  const serve = slowServer();

  test.each<[string, OpenShard]>([
    ['bytes', shard],
    ['a buffer', (file) => shard(file).slice().buffer],
    ["KV's streams", (file) => Promise.resolve(stream(file))],
    ["R2's objects", (file) => Promise.resolve({ body: stream(file) })],
    ["a cache's responses", (file) => Promise.resolve(new Response(shard(file).slice()))],
  ])('from %s', async (_, open) => {
    expect(await answers(openShards(index, open), { sha256 })).toEqual(logits);
    expect(await answers(openShards(JSON.stringify(index), open))).toEqual(logits);
  });

  test('by the path or URL of its index', async () => {
    for (const [file, content] of shards) await writeFile(path(file), content);
    await writeFile(path('net.json'), JSON.stringify(index, null, 1));
    expect(await answers(path('net.json'))).toEqual(logits);
    expect(await answers(pathToFileURL(path('net.json')))).toEqual(logits);
    expect(await answers(path('net.json'), { sha256 })).toEqual(logits);
    const other = 'f'.repeat(64);
    await expect(answers(path('net.json'), { sha256: other })).rejects.toThrow(
      refusal(WeightsError, path('net.json'), `sha256 ${other}`, `${sha256} in the index`),
    );
  });

  test('from what a fetch of one’s own finds beside it', async () => {
    const asked: string[] = [];
    const fetch = (url: string): Promise<Response> => {
      asked.push(url);
      const file = url.slice(url.lastIndexOf('/') + 1);
      return Promise.resolve(new Response(file === 'net.json?v=2' ? JSON.stringify(index) : shard(file).slice()));
    };
    expect(await answers('https://assets.local/models/net.json?v=2', { fetch })).toEqual(logits);
    expect(asked.slice(1)).toEqual(files.map((file) => `https://assets.local/models/${file}`));
  });

  test('a shard that is not there', async () => {
    const { [0]: missing } = files;
    await expect(answers(openShards(index, () => null))).rejects.toThrow(
      refusal(WeightsError, missing, 'a shard', 'none'),
    );
    await expect(
      answers(
        openShards(index, () => {
          throw new Error('no such binding');
        }),
      ),
    ).rejects.toThrow(refusal(WeightsError, missing, 'a shard', 'no such binding'));
    const { url } = serve((_, response) => response.writeHead(404).end());
    await expect(answers(openShards(index, () => url))).rejects.toThrow(
      refusal(WeightsError, url, 'a response that is OK', 'status 404'),
    );
  });
});

/** Cut where it is said, and not all pieces equally long. */
function cutAt(...places: number[]): { index: ShardIndex; shards: Map<string, Uint8Array> } {
  const ends = [...places, bytes.length];
  const parts = ends.map((end, i): [string, Uint8Array] => [`p${i}`, bytes.subarray(i === 0 ? 0 : ends[i - 1], end)]);
  const hash = (part: Uint8Array): string => createHash('sha256').update(part).digest('hex');
  const described = parts.map(([file, part]) => ({ file, bytes: part.length, sha256: hash(part) }));
  return { index: { ...index, shards: described }, shards: new Map(parts) };
}
/** Where the header ends. */
const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));

describe('a shard that is another', () => {
  const [first, second, third, last] = files;
  /** With one shard in the place of another, or changed. */
  const instead = (file: string, content: Uint8Array): AsyncIterable<Uint8Array> =>
    openShards(index, (asked) => (asked === file ? content : shard(asked)));
  const hash = (file: string): string => index.shards.find((each) => each.file === file)?.sha256 ?? '';

  test.each([first, second, third, last])('%s, with any one bit flipped here and there', async (file) => {
    const { length } = shard(file);
    for (let at = 0; at < length; at += Math.ceil(length / 23)) {
      const flipped = shard(file).slice();
      flipped[at] ^= 1 << (at % 8);
      await expect(answers(instead(file, flipped))).rejects.toThrow(
        refusal(WeightsError, file, `sha256 ${hash(file)}`, ''),
      );
    }
  });

  test('with any letter of its description changed, all of which it has', async () => {
    const large = cutShards(bytes, { name: 'large', limit: bytes.length - 10 });
    const [file, other] = large.shards.keys();
    const content = large.shards.get(file) ?? new Uint8Array(0);
    const text = new TextDecoder().decode(bytes);
    const [from, to] = [text.indexOf('"vanillanet"'), text.indexOf('}"')];
    expect(to - from).toBeGreaterThan(200);
    for (let at = from; at < to; at++) {
      const flipped = content.slice();
      flipped[at] ^= 1 << (at % 5);
      const open = (asked: string): Uint8Array | undefined => (asked === other ? large.shards.get(other) : flipped);
      await expect(answers(openShards(large.index, open))).rejects.toThrow(
        refusal(WeightsError, file, `sha256 ${large.index.shards[0].sha256}`, ''),
      );
    }
  });

  test('in a wrong place, which says whose it is', async () => {
    for (const [file, other] of [
      [first, second],
      [second, third],
      [third, first],
    ]) {
      await expect(answers(instead(file, shard(other)))).rejects.toThrow(
        refusal(WeightsError, file, `sha256 ${hash(file)}`, `${hash(other)}: that is ${other}`),
      );
    }
    await expect(answers(instead(first, shard(last)))).rejects.toThrow(
      refusal(WeightsError, first, `${shard(first).length} bytes`, `${shard(last).length}: that is ${last}`),
    );
    await expect(answers(instead(last, shard(first)))).rejects.toThrow(
      refusal(WeightsError, last, `${shard(last).length} bytes`, 'more'),
    );
  });

  test('nor in another order, each with its own right hash', async () => {
    // Of int8 every byte is a number: between the header and the last scales only the hash of the whole tells.
    const middle = start + Math.floor((bytes.length - start) / 2);
    const cut = cutAt(start, middle, middle + 24, middle + 48);
    const open = (file: string): Uint8Array => cut.shards.get(file) ?? new Uint8Array(0);
    expect(await answers(openShards(cut.index, open))).toEqual(logits);
    const order = [0, 1, 3, 2, 4].map((i) => cut.index.shards[i]);
    const moved = { ...cut.index, shards: order };
    const refused = refusal(WeightsError, 'shards', `shards that are sha256 ${sha256} in their order`, '');
    await expect(answers(openShards(moved, open))).rejects.toThrow(refused);
    await expect(answers(openShards(moved, open), { sha256 })).rejects.toThrow(refused);
    const read = async (): Promise<void> => {
      for await (const chunk of openShards(moved, open)) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(read()).rejects.toThrow(refused);
    // Also where the weights break off before, or do not even begin.
    for (const other of [
      [0, 2, 1, 3],
      [1, 0, 2, 3],
    ]) {
      const shuffled = { ...index, shards: other.map((i) => index.shards[i]) };
      await expect(answers(openShards(shuffled, shard))).rejects.toThrow(refused);
    }
  });

  test('short or long', async () => {
    for (const file of files) {
      const { length } = shard(file);
      await expect(answers(instead(file, shard(file).subarray(0, -1)))).rejects.toThrow(
        refusal(WeightsError, file, `${length} bytes`, `${length - 1}`),
      );
      await expect(answers(instead(file, Uint8Array.of(...shard(file), 0)))).rejects.toThrow(
        refusal(WeightsError, file, `${length} bytes`, 'more'),
      );
    }
  });

  test('one that stalls', async () => {
    const stalled = openShards(index, (file) =>
      file === second ? new ReadableStream({ pull: () => new Promise<never>(() => undefined) }) : shard(file),
    );
    await expect(answers(stalled, { timeout: 30 })).rejects.toThrow(
      refusal(WeightsError, second, 'within 0.03 s', 'none'),
    );
    const absent = openShards(index, () => new Promise<never>(() => undefined));
    await expect(answers(absent, { timeout: 30 })).rejects.toThrow(
      refusal(WeightsError, first, 'within 0.03 s', 'none'),
    );
  });

  test('one that stalls does not hide what went wrong before', async () => {
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
    await expect(answers(stalled, { timeout: 30, memoryLimit: 10 })).rejects.toThrow(
      refusal(ParamError, 'wasm', 'a network within memoryLimit', ''),
    );
  });

  test('what the caller said wrongly is said without reading on', async () => {
    for (const [options, op] of [
      [{ config: { num_classes: -1 } }, 'config.num_classes'],
      [{ threads: 0.5 }, 'threads'],
      [{ build: 'slow' as 'plain' }, 'build'],
      [{ memoryLimit: NaN }, 'memoryLimit'],
    ] as const) {
      let taken = 0;
      const whole = cutShards(bytes, { name: 'net' });
      const slices = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += 100) {
          taken++;
          yield await Promise.resolve(bytes.subarray(at, at + 100));
        }
      };
      await expect(answers(openShards(whole.index, slices), options)).rejects.toThrow(refusal(ParamError, op, '', ''));
      expect(taken).toBeLessThan(bytes.length / 100);
    }
  });

  test('one that comes too late is let go', async () => {
    for (const wrap of [
      (body: ReadableStream) => body,
      (body: ReadableStream) => ({ body }),
      (body: ReadableStream) => new Response(body),
    ]) {
      const ended: string[] = [];
      const body = new ReadableStream({
        cancel() {
          ended.push('canceled');
        },
      });
      let bring: (source: WeightsSource) => void = () => undefined;
      const opened = new Promise<WeightsSource>((resolve) => (bring = resolve));
      await expect(
        answers(
          openShards(index, () => opened),
          { timeout: 20 },
        ),
      ).rejects.toThrow(refusal(WeightsError, first, 'within 0.02 s', 'none'));
      bring(wrap(body) as WeightsSource);
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(ended).toEqual(['canceled']);
    }
  });

  test('and its neighbors: all that was opened is closed, and the next model is right', async () => {
    let open = 0;
    let taken = 0;
    const counted = (content: Uint8Array): AsyncIterable<Uint8Array> => ({
      async *[Symbol.asyncIterator]() {
        open++;
        try {
          for (let at = 0; at < content.length; at += 100) {
            taken++;
            yield await Promise.resolve(content.subarray(at, at + 100));
          }
        } finally {
          open--;
        }
      },
    });
    const given = (bad: string | null): Promise<FloatArray> =>
      answers(openShards(index, (file) => counted(file === bad ? shard(last) : shard(file))));
    const all = await Promise.allSettled([null, first, null, second, third, null].map(given));
    expect(all.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, false, true]);
    for (const each of all) if (each.status === 'fulfilled') expect(each.value).toEqual(logits);
    expect(open).toBe(0);
    // What has nothing to do with the shards does not read them to their ends.
    const absent: Backend = {
      name: 'absent',
      open: () => Promise.reject(new BackendUnavailableError({ op: 'absent', expected: 'a machine', got: 'none' })),
    };
    const single = cutShards(bytes, { name: 'net' });
    taken = 0;
    const elsewhere = openShards(single.index, () => counted(bytes));
    await expect(answers(elsewhere, { backend: absent })).rejects.toThrow(BackendUnavailableError);
    expect(taken).toBeLessThan(Math.ceil(bytes.length / 100));
    for await (const chunk of openShards(index, (file) => counted(shard(file)))) {
      expect(chunk).toHaveLength(100);
      break;
    }
    expect(open).toBe(0);
  });
});

describe('a hash of the whole', () => {
  const flipped = bytes.slice();
  flipped[bytes.length - 1] ^= 1;

  test('that it has, in capitals, too', async () => {
    expect(await answers(bytes, { sha256: sha256.toUpperCase() })).toEqual(logits);
    expect(await answers(new Blob([bytes]), { sha256 })).toEqual(logits);
  });

  test('that it has not', async () => {
    expect(await answers(flipped)).not.toEqual(logits);
    await expect(answers(flipped, { sha256 })).rejects.toThrow(
      refusal(WeightsError, 'weights', `sha256 ${sha256}`, createHash('sha256').update(flipped).digest('hex')),
    );
    await expect(answers(openShards(index, shard), { sha256: 'f'.repeat(64) })).rejects.toThrow(
      refusal(WeightsError, 'shards', `sha256 ${'f'.repeat(64)}`, `${sha256} in the index`),
    );
  });

  test.each(['', 'f'.repeat(63), 'g'.repeat(64), 5 as unknown as string])('that is none: %j', async (given) => {
    await expect(answers(bytes, { sha256: given })).rejects.toThrow(
      refusal(ParamError, 'sha256', '64 hexadecimal digits', ''),
    );
  });
});

describe('an index that is none', () => {
  const changed = (change: (index: { [key: string]: unknown; shards: Record<string, unknown>[] }) => void): unknown => {
    const copy = structuredClone(index) as unknown as { shards: Record<string, unknown>[] };
    change(copy);
    return copy;
  };
  const cases: [string, unknown, string, string][] = [
    ['half of JSON', '{"format":', 'in JSON', ''],
    ['a list', [], 'an index of shards', '[]'],
    ['nothing', null, 'an index of shards', 'null'],
    [
      'another format',
      { error: 'no such file' },
      'format "vanillanet-shards" of version 1',
      'undefined of version undefined',
    ],
    ['a later version', { ...index, version: 2 }, 'of version 1', 'version 2'],
    [
      'a hash that is not its only shard’s',
      { ...cutShards(bytes, { name: 'net' }).index, sha256: 'f'.repeat(64) },
      `sha256 ${sha256}, that of the only shard`,
      'f'.repeat(64),
    ],
    ['no shards', { ...index, shards: {} }, 'a list of shards', '{}'],
    ['a sum that is not', { ...index, bytes: 5 }, `${bytes.length} bytes`, '5'],
    ['several shards without a hash of the whole', { ...index, sha256: undefined }, 'a sha256 of the whole', 'none'],
    ['a hash that is none', { ...index, sha256: 'x' }, 'a sha256', '"x"'],
    ['a shard that is none', changed((it) => (it.shards = [null as never])), 'shard 0 with', 'null'],
    ['a shard of no size', changed((it) => (it.shards[1]['bytes'] = -1)), `bytes for ${files[1]}`, '-1'],
    ['a shard of no hash', changed((it) => delete it.shards[1]['sha256']), `digits for ${files[1]}`, 'undefined'],
    ['a shard twice', changed((it) => (it.shards[1]['file'] = files[0])), 'each shard once', `${files[0]} twice`],
    ...['../net', '/etc/passwd', 'https://x', 'a\\b', 'a?b', '..', '', 'a%2fb', 'a\nb'].map(
      (file): [string, unknown, string, string] => [
        `a shard called ${JSON.stringify(file)}`,
        changed((it) => (it.shards[0]['file'] = file)),
        'without a folder for shard 0',
        JSON.stringify(file),
      ],
    ),
  ];
  test.each(cases)('%s', (_, given, expected, got) => {
    expect(() => openShards(given, shard)).toThrow(refusal(WeightsError, 'shards', expected, got));
  });

  test('in the place of weights', async () => {
    const json = new TextEncoder().encode(JSON.stringify(index));
    await expect(answers(json)).rejects.toThrow(refusal(WeightsError, 'weights', 'a weight file', 'JSON'));
    await expect(answers(new Response(json))).rejects.toThrow(refusal(WeightsError, '', 'a weight file', 'JSON'));
  });

  test('but a header whose length begins like a brace is a header', async () => {
    const header = (text: string): Uint8Array => {
      const whole = new Uint8Array(8 + text.length);
      new DataView(whole.buffer).setBigUint64(0, BigInt(text.length), true);
      whole.set(new TextEncoder().encode(text), 8);
      return whole;
    };
    const bare = header('{}'.padEnd(0x7b));
    expect(bare[0]).toBe(0x7b);
    const whole = async function* (): AsyncGenerator<Uint8Array> {
      for (const byte of bare) yield await Promise.resolve(Uint8Array.of(byte));
    };
    await expect(answers(whole())).rejects.toThrow(refusal(WeightsError, 'loadModel', 'a configuration', 'neither'));
  });
});

test('an index is what was cut, wherever the cut falls', async () => {
  for (let limit = 100; limit < 2 * bytes.length; limit = Math.ceil(limit * 1.7)) {
    const cut = cutShards(bytes, { name: 'net', limit });
    const open = (file: string): Uint8Array => cut.shards.get(file) ?? new Uint8Array(0);
    const told: ShardIndex = readShardIndex(JSON.stringify(cut.index));
    expect(await answers(openShards(told, open), { sha256 })).toEqual(logits);
  }
});
