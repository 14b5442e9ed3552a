/** Modules that the caller supplies, in every form: the same logits or a typed error, and no leaks. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bytes } from '#wasm/plain';
import { resolveConfig } from '../../src/core/config.js';
import { BackendUnavailableError, ParamError, WeightsError } from '../../src/core/errors.js';
import { streamOf } from '../../src/core/weights.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModelWithModule, type LoadModelWithModuleOptions } from '../../src/model/loadModelWithModule.js';
import type { WasmSource } from '../../src/wasm/module.js';
import { wasmBackendFrom } from '../../src/wasm/inference/session.js';
import { refusal } from '../io/refusal.js';
import { drawState, NARROW } from './networks.js';

const config = resolveConfig({ ...NARROW[0].sizes, form: 'deploy' });
const state = drawState(config);
const weights = encodeSafetensors(state, { metadata: writeConfig(config) });
const x = new Float32Array(config.in_chans * config.input_size[0] * config.input_size[1]).fill(0.5);

const answers = async (options: LoadModelWithModuleOptions): Promise<unknown> =>
  (await loadModelWithModule(weights, options)).forward(x);
const never = new Promise<never>(() => undefined);

/** A response whose body sends some bytes and then calls `then`; records whether it was canceled. */
function openResponse(then: (controller: ReadableStreamDefaultController) => unknown): {
  response: Response;
  cancellations: string[];
} {
  const cancellations: string[] = [];
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (isFirst) controller.enqueue(bytes.slice(0, 1000));
      else await then(controller);
      isFirst = false;
    },
    cancel() {
      cancellations.push('canceled');
    },
  });
  return { response: new Response(body), cancellations };
}

/** The error if the module is not available. */
const unavailable = (expected: string, got: string): unknown => refusal(BackendUnavailableError, 'wasm', expected, got);

const sources: readonly [string, () => WasmSource | Promise<WasmSource>][] = [
  ['bytes', () => bytes],
  ['a buffer', () => bytes.slice().buffer],
  ['a DataView', () => new DataView(bytes.slice().buffer)],
  ['a promise of bytes', () => Promise.resolve(bytes)],
  ['a response', () => new Response(bytes.slice())],
  ['a promise of a response', () => Promise.resolve(new Response(bytes.slice()))],
  [
    'a response without a body stream',
    () => ({ ok: true, status: 200, arrayBuffer: () => Promise.resolve(bytes.slice().buffer) }),
  ],
];

test.each(sources)('%s', async (_, source) => {
  expect(await answers({ wasm: source() })).toEqual(await answers({ wasm: bytes }));
});

test.each(sources)('%s: several sessions on one backend, also concurrently', async (_, source) => {
  const backend = wasmBackendFrom(source());
  const sessions = await Promise.all([1, 2].map(() => backend.open(streamOf(state), config)));
  const another = await backend.open(streamOf(state), config);
  const [a, b, c] = await Promise.all([...sessions, another].map((session) => session.forward(x, 1)));
  expect([b, c]).toEqual([a, a]);
});

/** A view whose memory was transferred. */
function detached<T extends ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

describe('a module that cannot be loaded is a BackendUnavailableError', () => {
  const down = new TypeError('fetch failed');
  const consumedResponse = async (): Promise<Response> => {
    const response = new Response(bytes.slice());
    await response.arrayBuffer();
    return response;
  };
  const cases: [string, () => unknown, string, string][] = [
    ['a network that is down', () => Promise.reject(down), 'a WebAssembly module', 'fetch failed'],
    ['a page with status 404', () => new Response('no', { status: 404 }), 'a response with the module', 'status 404'],
    ['a response that was read', consumedResponse, 'a response with the module', 'one that was read before'],
    [
      'a broken connection',
      () =>
        openResponse((controller) => {
          controller.error(new TypeError('terminated'));
        }).response,
      'a WebAssembly module',
      'terminated',
    ],
    ['an HTML page instead of a module', () => new Response('<!doctype html>'), 'a complete module', ''],
    ['a truncated module', () => bytes.slice(0, -1000), 'a complete module', ''],
    ['a truncated body', () => new Response(bytes.slice(0, 1000)), 'a complete module', ''],
    ['bytes that are none, in a DataView', () => new DataView(new ArrayBuffer(8)), 'a complete module', ''],
    ['a detached buffer', () => detached(new Uint8Array(8)).buffer, 'a complete module', ''],
    ['a view of a detached buffer', () => detached(new Uint8Array(8)), 'a complete module', ''],
    ['a DataView of a detached buffer', () => detached(new DataView(new ArrayBuffer(8))), 'a complete module', ''],
    ['null', () => Promise.resolve(null), 'the module of vanillanet', 'not a WebAssembly.Module'],
  ];
  test.each(cases)('%s', async (_, source, expected, got) => {
    await expect(answers({ wasm: source() as WasmSource })).rejects.toThrow(unavailable(expected, got));
  });

  test('a promise or body that stalls times out, and the body is canceled', async () => {
    const late = unavailable('within 0.05 s', 'none') as Error;
    await expect(answers({ wasm: never, timeout: 50 })).rejects.toThrow(late);
    const { response, cancellations } = openResponse(() => never);
    await expect(answers({ wasm: response, timeout: 50 })).rejects.toThrow(late);
    expect(cancellations).toEqual(['canceled']);
    await expect(wasmBackendFrom(never, { timeout: 50 }).open(streamOf(state), config)).rejects.toThrow(late);
    expect(() => wasmBackendFrom(bytes, { timeout: -1 })).toThrow(refusal(ParamError, 'timeout', '>= 0', '-1'));
  });

  test('a body is canceled if the weights fail before it is read', async () => {
    for (const wrap of [(value: Response) => value, (value: Response) => Promise.resolve(value)]) {
      const { response, cancellations } = openResponse(() => never);
      await expect(loadModelWithModule(new Uint8Array(3), { wasm: wrap(response) })).rejects.toThrow(WeightsError);
      // The body is notified of its cancellation asynchronously.
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(cancellations).toEqual(['canceled']);
    }
  });
});

describe('a promise that is rejected before it is awaited', () => {
  let unhandled: unknown[];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  beforeEach(() => {
    unhandled = [];
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
  });
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    yield weights;
  };

  test('does not end the process, and is the reason of the error', async () => {
    const wasm = Promise.reject(new TypeError('no such server'));
    await expect(loadModelWithModule(slow(), { wasm })).rejects.toThrow(
      unavailable('a WebAssembly module', 'no such server'),
    );
    expect(unhandled).toEqual([]);
  });

  test('does not end the process if it is never awaited', async () => {
    const broken = [{}, { timeout: -1 }, { sha256: 'x' }, { config: { num_classes: -1 } }] as const;
    for (const options of broken) {
      const wasm = Promise.reject(new TypeError('no such server'));
      await expect(loadModelWithModule(new Uint8Array(3), { ...options, wasm })).rejects.toThrow();
    }
    const unused = wasmBackendFrom(Promise.reject(new TypeError('no such server')));
    expect(unused.name).toBe('wasm');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(unhandled).toEqual([]);
  });
});

test('missing options are an error that names the module', async () => {
  const untyped = loadModelWithModule as (weights: Uint8Array) => Promise<unknown>;
  await expect(untyped(new Uint8Array(3))).rejects.toThrow(
    refusal(ParamError, 'wasm', 'a WebAssembly module, its bytes, or a Response', 'undefined'),
  );
});

test('a promise of a module that rejects early does not end the process', async () => {
  const program = `
    import { loadModel } from 'vanillanet/core';
    const slow = (async function* () { await new Promise((resolve) => setTimeout(resolve, 100)); yield new Uint8Array(3); })();
    await loadModel(slow, { wasm: Promise.reject(new TypeError('down')) }).catch(({ name }) => console.log(name));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  expect(stdout.trim()).toBe('WeightsError');
});
