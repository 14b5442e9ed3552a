/** An option that is none is refused before the file is waited for, and nothing stays open. */
import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { bytes as wasm } from '#wasm/plain';
import { ParamError } from '../../src/core/errors.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { loadModel, type LoadModelOptions } from '../../src/model/loadModel.js';
import { loadModelWithModule, type LoadModelWithModuleOptions } from '../../src/model/loadModelWithModule.js';
import { wasmBackendFrom } from '../../src/wasm/inference/session.js';
import { refusal } from '../io/refusal.js';

/** A response that notes what is done to it. */
function response(): { given: Response; ended: string[] } {
  const ended: string[] = [];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        ended.push('read');
        controller.error(new Error('read'));
      },
      cancel() {
        ended.push('canceled');
      },
    },
    { highWaterMark: 0 },
  );
  return { given: new Response(body), ended };
}

/** A cancellation is told a moment later. */
const told = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

type Bad = readonly [op: string, options: Readonly<Record<string, unknown>>];

const EITHER: readonly Bad[] = [
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
const CHOSEN: readonly Bad[] = [
  ['backend', { backend: 'cuda' }],
  ['build', { build: 'nonsense' }],
  ['threads', { threads: 0 }],
  ['threads', { threads: 'many' }],
];
const GIVEN: readonly Bad[] = [
  ['wasm', { wasm: undefined }],
  ['wasm', { wasm: null }],
  ['wasm', { wasm: 'plain.wasm' }],
];

describe('refused at once, and the response let go', () => {
  test.each([...EITHER, ...CHOSEN])('%s: %p', async (op, options) => {
    const { given, ended } = response();
    await expect(loadModel(given, options as LoadModelOptions)).rejects.toThrow(refusal(ParamError, op, '', ''));
    await told();
    expect(ended).toEqual(['canceled']);
  });

  test.each([...EITHER, ...GIVEN])('on a module of one’s own, %s: %p', async (op, options) => {
    const { given, ended } = response();
    const module = response();
    for (const source of [wasm, module.given, Promise.resolve(module.given)]) {
      const all = { wasm: source, ...options } as LoadModelWithModuleOptions;
      await expect(loadModelWithModule(given, all)).rejects.toThrow(refusal(ParamError, op, '', ''));
    }
    await told();
    expect(ended).toEqual(['canceled']);
    expect(module.ended).toEqual('wasm' in options ? [] : ['canceled']);
  });

  test('a module of a backend without weights, too', async () => {
    const { given, ended } = response();
    expect(() => wasmBackendFrom(given, { timeout: -1 })).toThrow(refusal(ParamError, 'timeout', '', ''));
    await told();
    expect(ended).toEqual(['canceled']);
  });
});

describe('whatever the weights come as', () => {
  type Source = (note: () => void) => WeightsSource;
  const streaming = (cancel: () => void): ReadableStream<Uint8Array> => new ReadableStream<Uint8Array>({ cancel });
  const cases: [string, Source][] = [
    ['a stream', streaming],
    ['what has a body', (note) => ({ body: streaming(note) })],
    [
      'an iterable',
      (note) => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return() {
            note();
            return Promise.reject(new Error('nor can it be closed'));
          },
        }),
      }),
    ],
    ['a stream of Node’s', (note) => new Readable({ read: () => undefined }).on('close', note)],
  ];
  const options: readonly Bad[] = [EITHER[0], ['sha256', { sha256: 'abc' }], ['build', { build: 'nonsense' }]];
  test.each(cases)('%s', async (_, source) => {
    for (const [op, bad] of options) {
      let ended = 0;
      const given = source(() => ended++);
      await expect(loadModel(given, bad as LoadModelOptions)).rejects.toThrow(refusal(ParamError, op, '', ''));
      await told();
      expect(ended).toBe(1);
    }
  });

  test.each([null, undefined, 5, 'net.safetensors', { body: null }, { body: 5 }, new Uint8Array(8)])(
    'what has nothing to be let go: %p',
    async (source) => {
      const loaded = loadModel(source as WeightsSource, { timeout: -1 });
      await expect(loaded).rejects.toThrow(refusal(ParamError, 'timeout', '', ''));
    },
  );

  test('one that somebody else reads stays with them', async () => {
    const { given, ended } = response();
    const reader = given.body?.getReader();
    await expect(loadModel(given, { timeout: -1 })).rejects.toThrow(ParamError);
    await told();
    expect(ended).toEqual([]);
    await reader?.cancel();
  });
});

test.each([null, 5])('%p in the place of all options is refused as well', async (options) => {
  const { given, ended } = response();
  await expect(loadModel(given, options as LoadModelOptions)).rejects.toThrow(
    refusal(ParamError, 'options', 'an object', String(options)),
  );
  await told();
  expect(ended).toEqual(['canceled']);
});
