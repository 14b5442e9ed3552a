/** An invalid option is refused before the weights are read, and their source is canceled. */
import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { bytes as wasm } from '#wasm/plain';
import { ParamError } from '../../src/core/errors.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { loadModel, type LoadModelOptions } from '../../src/model/loadModel.js';
import { loadModelWithModule, type LoadModelWithModuleOptions } from '../../src/model/loadModelWithModule.js';
import { wasmBackendFrom } from '../../src/wasm/inference/session.js';
import { refusal } from '../io/refusal.js';

/** A response that records whether it is read or canceled. */
function response(): { source: Response; events: string[] } {
  const events: string[] = [];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        events.push('read');
        controller.error(new Error('read'));
      },
      cancel() {
        events.push('canceled');
      },
    },
    { highWaterMark: 0 },
  );
  return { source: new Response(body), events };
}

/** Waits until cancellations have had their effect. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

type InvalidOption = readonly [op: string, options: Readonly<Record<string, unknown>>];

const COMMON: readonly InvalidOption[] = [
  ['timeout', { timeout: -1 }],
  ['timeout', { timeout: NaN }],
  ['timeout', { timeout: '5' }],
  ['retries', { retries: 1.5 }],
  ['fetch', { fetch: 'me' }],
  ['sha256', { sha256: 'abc' }],
  ['memoryLimit', { memoryLimit: 0 }],
  ['memoryLimit', { memoryLimit: NaN }],
  ['memoryLimit', { memoryLimit: '64 MB' }],
  ['config', { config: null }],
  ['config', { config: [] }],
  ['config.classes', { config: { classes: 10 } }],
  ['config.variant', { config: { variant: 'vanillanet_4' } }],
  ['config.num_classes', { config: { num_classes: -1 } }],
  ['config.lambda', { config: { lambda: 2 } }],
  ['config.input_size', { config: { input_size: 0 } }],
  ['config.crop_pct', { config: { dims: [8, 8], strides: [1], crop_pct: 2 } }],
];
const ENGINE: readonly InvalidOption[] = [
  ['backend', { backend: 'cuda' }],
  ['build', { build: 'nonsense' }],
  ['threads', { threads: 0 }],
  ['threads', { threads: 'many' }],
];
const MODULE: readonly InvalidOption[] = [
  ['wasm', { wasm: undefined }],
  ['wasm', { wasm: null }],
  ['wasm', { wasm: 'plain.wasm' }],
];

describe('an invalid option is refused at once, and the response is canceled', () => {
  test.each([...COMMON, ...ENGINE])('%s: %p', async (op, options) => {
    const { source, events } = response();
    await expect(loadModel(source, options as LoadModelOptions)).rejects.toThrow(refusal(ParamError, op, '', ''));
    await nextTurn();
    expect(events).toEqual(['canceled']);
  });

  test.each([...COMMON, ...MODULE])('with a WebAssembly module of the caller, %s: %p', async (op, options) => {
    const { source, events } = response();
    const module = response();
    for (const moduleSource of [wasm, module.source, Promise.resolve(module.source)]) {
      const all = { wasm: moduleSource, ...options } as LoadModelWithModuleOptions;
      await expect(loadModelWithModule(source, all)).rejects.toThrow(refusal(ParamError, op, '', ''));
    }
    await nextTurn();
    expect(events).toEqual(['canceled']);
    expect(module.events).toEqual('wasm' in options ? [] : ['canceled']);
  });

  test('for a backend on a WebAssembly module', async () => {
    const { source, events } = response();
    expect(() => wasmBackendFrom(source, { timeout: -1 })).toThrow(refusal(ParamError, 'timeout', '', ''));
    await nextTurn();
    expect(events).toEqual(['canceled']);
  });
});

describe('an invalid option cancels', () => {
  type CreateSource = (onCancel: () => void) => WeightsSource;
  const createStream = (cancel: () => void): ReadableStream<Uint8Array> => new ReadableStream<Uint8Array>({ cancel });
  const cases: [string, CreateSource][] = [
    ['a stream', createStream],
    ['an object with a body', (onCancel) => ({ body: createStream(onCancel) })],
    [
      'an iterable',
      (onCancel) => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return() {
            onCancel();
            return Promise.reject(new Error('closing fails'));
          },
        }),
      }),
    ],
    ['a stream of Node', (onCancel) => new Readable({ read: () => undefined }).on('close', onCancel)],
  ];
  const options: readonly InvalidOption[] = [
    COMMON[0],
    ['sha256', { sha256: 'abc' }],
    ['build', { build: 'nonsense' }],
  ];
  test.each(cases)('%s', async (_, createSource) => {
    for (const [op, invalid] of options) {
      let cancellations = 0;
      const source = createSource(() => cancellations++);
      await expect(loadModel(source, invalid as LoadModelOptions)).rejects.toThrow(refusal(ParamError, op, '', ''));
      await nextTurn();
      expect(cancellations).toBe(1);
    }
  });

  test.each([null, undefined, 5, 'net.safetensors', { body: null }, { body: 5 }, new Uint8Array(8)])(
    'nothing in %p',
    async (source) => {
      const loaded = loadModel(source as WeightsSource, { timeout: -1 });
      await expect(loaded).rejects.toThrow(refusal(ParamError, 'timeout', '', ''));
    },
  );

  test('no stream that another reader has locked', async () => {
    const { source, events } = response();
    const reader = source.body?.getReader();
    await expect(loadModel(source, { timeout: -1 })).rejects.toThrow(ParamError);
    await nextTurn();
    expect(events).toEqual([]);
    await reader?.cancel();
  });
});

test.each([null, 5])('%p instead of the options is refused', async (options) => {
  const { source, events } = response();
  await expect(loadModel(source, options as LoadModelOptions)).rejects.toThrow(
    refusal(ParamError, 'options', 'an object', String(options)),
  );
  await nextTurn();
  expect(events).toEqual(['canceled']);
});
