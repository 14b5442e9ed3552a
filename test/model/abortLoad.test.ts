/** A load ends at once when its signal is aborted, keeps nothing, and reports its progress; unknown options are refused. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { openShards, type OpenShard, type OpenShardsOptions } from '../../src/io/openShards.js';
import type { LoadProgress } from '../../src/io/progress.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { loadModel, type LoadModelOptions } from '../../src/model/loadModel.js';
import { loadModelWithModule } from '../../src/model/loadModelWithModule.js';
import { refusal } from '../io/refusal.js';
import { breakAfter, slowServer } from '../io/slowServer.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const path = temporaryFolder();
const serve = slowServer();
const config = drawnConfig('deploy');
const bytes = encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'float32' });
const half = bytes.subarray(0, Math.floor(bytes.length / 2));
const { index, shards } = cutShards(bytes, { name: 'net', limit: Math.ceil(bytes.length / 3) });
const shard: OpenShard = (file) => shards.get(file);
const { data } = drawnImages(config, 1);
const never = new Promise<never>(() => undefined);
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const reason = new Error('enough');

let logits: FloatArray;
beforeAll(async () => {
  logits = await (await loadModel(bytes)).forward(data);
});

async function* stalledIterable(): AsyncGenerator<Uint8Array> {
  yield half;
  await never;
}

async function* stalledShard(): AsyncGenerator<Uint8Array> {
  yield half.subarray(0, 100);
  await never;
}

/** Sources that stall after half of the file. The function is called when they have stalled. */
const STALLED: readonly (readonly [string, () => WeightsSource])[] = [
  ['an iterable', stalledIterable],
  [
    'a stream',
    () =>
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(half);
        },
      }),
  ],
  [
    'a byte stream',
    () =>
      new ReadableStream({
        type: 'bytes',
        start: (controller) => {
          controller.enqueue(half.slice());
        },
      }),
  ],
  [
    'an object of R2',
    () => ({
      body: new ReadableStream({
        start: (controller) => {
          controller.enqueue(half);
        },
      }),
    }),
  ],
  [
    'a response',
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => {
            controller.enqueue(half);
          },
        }),
      ),
  ],
  ['a URL', () => serve((_, response) => response.writeHead(200, { 'content-length': bytes.length }).write(half)).url],
  ['a URL without a response', () => serve(() => undefined).url],
  ['a URL whose connection breaks again and again', () => serve(breakAfter(bytes, 9, { etag: '"one"' })).url],
  ['a shard that never opens', () => openShards(index, () => never)],
  ['a shard that stalls', () => openShards(index, stalledShard)],
];

describe('an aborted load', () => {
  test.each(STALLED)('of %s rejects with the reason, and the next one works', async (_, source) => {
    const controller = new AbortController();
    const { signal } = controller;
    const loading = loadModel(source(), { signal, retries: 100 });
    setTimeout(() => {
      controller.abort(reason);
    }, 30);
    await expect(loading).rejects.toBe(reason);
    // What goes on in the background ends soon; if it did not, the test would never end.
    while (listeners(signal) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await (await loadModel(bytes, { signal: new AbortController().signal })).forward(data)).toEqual(logits);
  });

  test('rejects at once if the signal is aborted before, and cancels the source', async () => {
    const events: string[] = [];
    const source = new ReadableStream<Uint8Array>(
      {
        pull: () => {
          events.push('pull');
        },
        cancel: () => {
          events.push('cancel');
        },
      },
      { highWaterMark: 0 },
    );
    await expect(loadModel(source, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(events).toEqual(['cancel']);
    await expect(loadModel(bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(loadModel(path('absent'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('may be aborted at any chunk of any source, by a deadline or by onProgress', async () => {
    await expect(loadModel(stalledIterable(), { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await writeFile(path('net.safetensors'), bytes);
    async function* small(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 500) yield await Promise.resolve(bytes.subarray(at, at + 500));
    }
    const sources: (() => WeightsSource)[] = [
      () => bytes,
      () => path('net.safetensors'),
      () => new Blob([bytes.slice()]),
      () => openShards(index, shard),
      small,
    ];
    for (const source of sources) {
      const controller = new AbortController();
      const onProgress = (): void => {
        controller.abort(reason);
      };
      await expect(loadModel(source(), { signal: controller.signal, onProgress })).rejects.toBe(reason);
      expect(listeners(controller.signal)).toBe(0);
    }
  });

  test('closes the connection', async () => {
    let close = (): void => undefined;
    const closed = new Promise<void>((resolve) => (close = resolve));
    const { url } = serve((_, response) => {
      response.on('close', close);
      response.writeHead(200, { 'content-length': bytes.length }).write(half);
    });
    const controller = new AbortController();
    const onProgress = (): void => {
      controller.abort(reason);
    };
    await expect(loadModel(url, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    await closed;
  });

  test('passes its signal on to shards and to fetch', async () => {
    const { signal } = new AbortController();
    const signals: unknown[] = [];
    await loadModel(
      openShards(index, (file, options) => {
        signals.push(options.signal);
        return shards.get(file);
      }),
      { signal },
    );
    expect(signals).toEqual([signal, signal, signal]);
    const controller = new AbortController();
    const fetch: LoadModelOptions['fetch'] = (_, init) =>
      new Promise((__, reject) => {
        init.signal.addEventListener('abort', () => {
          signals.push(init.signal.reason);
          reject(new Error('aborted'));
        });
        controller.abort(reason);
      });
    await expect(loadModel('https://example.org/net', { fetch, signal: controller.signal })).rejects.toBe(reason);
    expect(signals.at(-1)).toBe(reason);
  });

  test('with a module of the caller, which does not arrive', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const loading = loadModelWithModule(bytes, { wasm: never, signal });
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
    const wasm = await readFile(new URL('../../dist/wasm/plain.wasm', import.meta.url));
    const model = await loadModelWithModule(bytes, { wasm, signal: new AbortController().signal });
    expect(await model.forward(data)).toHaveLength(logits.length);
  });
});

describe('onProgress', () => {
  const total = bytes.length;
  async function progressOf(source: WeightsSource, options: LoadModelOptions = {}): Promise<LoadProgress[]> {
    const reports: LoadProgress[] = [];
    await loadModel(source, { ...options, onProgress: (progress) => reports.push({ ...progress }) });
    return reports;
  }

  test('reports the bytes of sources of a known size', async () => {
    await writeFile(path('net.safetensors'), bytes);
    const { url } = serve((_, response) => response.writeHead(200, { 'content-length': total }).end(bytes));
    const lengths = { headers: { 'content-length': String(total) } };
    const sources: WeightsSource[] = [
      bytes,
      path('net.safetensors'),
      new Blob([bytes.slice()]),
      url,
      new Response(bytes.slice(), lengths),
      { body: new Blob([bytes.slice()]).stream(), size: total } as WeightsSource,
    ];
    for (const source of sources) {
      const reports = await progressOf(source);
      expect(reports.at(-1)).toEqual({ loaded: total, total });
      expect(reports.every((each) => each.total === total)).toBe(true);
    }
  });

  test('reports null for streams, and for content that a server compresses', async () => {
    for (const source of [
      new Blob([bytes.slice()]).stream(),
      new Response(bytes.slice()),
      new Response(bytes.slice(), { headers: { 'content-length': '12', 'content-encoding': 'gzip' } }),
    ]) {
      expect((await progressOf(source)).at(-1)).toEqual({ loaded: total, total: null });
    }
  });

  test('counts all shards, in order', async () => {
    const reports = await progressOf(openShards(index, shard));
    const [a, b] = [...shards.values()].map(({ length }) => length);
    expect(reports).toEqual([a, a + b, total].map((loaded) => ({ loaded, total })));
    for (const [file, part] of shards) await writeFile(path(file), part);
    await writeFile(path('net.json'), JSON.stringify(index));
    expect(await progressOf(path('net.json'))).toEqual(reports);
  });

  test('ends the load with the error that it throws', async () => {
    const onProgress = (): void => {
      throw reason;
    };
    for (const source of [bytes, new Blob([bytes.slice()]), openShards(index, shard)]) {
      await expect(loadModel(source, { onProgress })).rejects.toBe(reason);
    }
  });
});

describe('openShards with options', () => {
  test('reads with them when it is iterated over, and loadModel falls back to them', async () => {
    const reports: LoadProgress[] = [];
    const onProgress = (progress: LoadProgress): void => {
      reports.push(progress);
    };
    let count = 0;
    for await (const chunk of openShards(index, shard, { onProgress })) count += chunk.length;
    expect(count).toBe(bytes.length);
    expect(reports.at(-1)).toEqual({ loaded: bytes.length, total: bytes.length });
    reports.length = 0;
    await loadModel(openShards(index, shard, { onProgress }));
    expect(reports).toHaveLength(3);
    const signal = AbortSignal.abort(reason);
    await expect(loadModel(openShards(index, shard, { signal }))).rejects.toBe(reason);
    await expect(openShards(index, shard, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
    await loadModel(openShards(index, shard, { signal, onProgress }), { signal: new AbortController().signal });
  });

  test.each<[object, string, string]>([
    [{ retry: 1 }, 'retry', 'one of the keys timeout, retries, fetch, signal, onProgress'],
    [{ signal: 5 }, 'signal', 'an AbortSignal'],
    [{ onProgress: 5 }, 'onProgress', 'a function'],
    [{ timeout: -1 }, 'timeout', 'milliseconds >= 0'],
  ])('refuses %j', (options, op, expected) => {
    const open = (): unknown => openShards(index, shard, options);
    expect(open).toThrow(refusal(ParamError, op, expected, ''));
  });

  test('refuses what is no function, and no options', () => {
    expect(() => openShards(index, 5 as unknown as OpenShard)).toThrow(refusal(ParamError, 'open', 'a function', '5'));
    const none = null as unknown as OpenShardsOptions;
    expect(() => openShards(index, shard, none)).toThrow(refusal(ParamError, 'options', 'an object', 'null'));
  });
});

describe('an option', () => {
  test.each<[object, string, string | undefined]>([
    [{ thread: 2 }, 'thread', 'Did you mean threads?'],
    [{ bild: 'plain' }, 'bild', 'Did you mean build?'],
    [{ onprogress: () => undefined }, 'onprogress', 'Did you mean onProgress?'],
    [{ sha: 'a' }, 'sha', 'Did you mean sha256?'],
    [{ topK: 5 }, 'topK', undefined],
    [{ wasm: bytes }, 'wasm', undefined],
  ])('that is unknown is refused by loadModel: %j', async (options, op, hint) => {
    const error = await loadModel(bytes, options).catch((each: unknown) => each);
    expect(error).toMatchObject({ name: 'ParamError', op, got: 'an unknown key' });
    expect((error as ParamError).hint).toBe(hint);
  });

  test('that is unknown is refused with a module of the caller', async () => {
    const options = { wasm: bytes, thread: 2 };
    await expect(loadModelWithModule(bytes, options)).rejects.toThrow(
      refusal(
        ParamError,
        'thread',
        'one of the keys timeout, retries, fetch, signal, sha256, onProgress, config, wasm',
        '',
      ),
    );
  });

  test.each([
    [{ signal: 'now' }, 'signal', 'an AbortSignal'],
    [{ signal: new AbortController() }, 'signal', 'an AbortSignal'],
    [{ onProgress: true }, 'onProgress', 'a function'],
  ])('that is wrong is refused, and the source is canceled: %p', async (options, op, expected) => {
    let isCanceled = false;
    const source = new ReadableStream<Uint8Array>({ cancel: () => void (isCanceled = true) });
    await expect(loadModel(source, options as object)).rejects.toThrow(refusal(ParamError, op, expected, ''));
    expect(isCanceled).toBe(true);
  });

  test('that is unknown is refused by the functions for files', async () => {
    const unknown = (op: string) => refusal(ParamError, op, 'one of the keys', 'an unknown key');
    await expect(readWeights(path('net'), { configuration: {} } as object)).rejects.toThrow(unknown('configuration'));
    await expect(writeWeights(path('out'), drawnState(config), config, { type: 'f16' } as object)).rejects.toThrow(
      unknown('type'),
    );
    expect(() => encodeSafetensors(drawnState(config), { meta: new Map() } as object)).toThrow(unknown('meta'));
    expect(() => cutShards(bytes, { name: 'x', size: 5 } as never)).toThrow(unknown('size'));
  });
});

describe('a file of a few bytes that describes a huge network is refused before anything is allocated', () => {
  const file = (header: object, length = 0): Uint8Array => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const all = new Uint8Array(8 + text.length + length);
    new DataView(all.buffer).setBigUint64(0, BigInt(text.length), true);
    all.set(text, 8);
    return all;
  };
  const described = (changes: object): Uint8Array =>
    file({ __metadata__: { vanillanet: JSON.stringify({ dims: [8, 8], strides: [1], form: 'deploy', ...changes }) } });
  const many = (length: number): number[] => Array.from({ length }, () => 1);

  test.each<[string, object]>([
    ['in_chans', { in_chans: 1_000_000_000 }],
    ['num_classes', { num_classes: 1_000_000_000 }],
    ['dims', { dims: [1e9, 1e9] }],
    ['strides', { dims: many(200_001), strides: many(200_000) }],
    ['input_size', { input_size: 1e9 }],
    ['act_num', { act_num: 1e9 }],
    ['ada_pool', { ada_pool: [1e9] }],
  ])('%s', async (key, changes) => {
    await expect(loadModel(described(changes))).rejects.toThrow(refusal(ParamError, `config.${key}`, '', ''));
  });

  test.each<[string, object]>([
    [
      'the largest that a configuration allows',
      { dims: [2 ** 20, 2 ** 20], in_chans: 2 ** 16, input_size: 2 ** 16, act_num: 100 },
    ],
    ['the deepest', { dims: many(1001), strides: many(1000) }],
  ])('%s', async (_, changes) => {
    await expect(loadModel(described(changes))).rejects.toThrow(WeightsError);
  });

  test('by its tensors, in every kind of source that has a size', async () => {
    const shape = [2 ** 20, 2 ** 20, 1, 1];
    const size = 2 ** 42;
    const bytesOfTensor = file({ 'stages.0.conv.weight': { dtype: 'F32', shape, data_offsets: [0, size] } }, 4);
    const error = refusal(WeightsError, '', `${size} bytes of data`, '4: it is cut short');
    await writeFile(path('huge'), bytesOfTensor);
    const stream = new Blob([bytesOfTensor]).stream();
    const sources: WeightsSource[] = [
      bytesOfTensor,
      path('huge'),
      new Blob([bytesOfTensor]),
      { body: stream, size: bytesOfTensor.length } as WeightsSource,
    ];
    for (const source of sources) await expect(loadModel(source)).rejects.toThrow(error);
  });
});
