/** Errors of a load, and what it leaves behind. */
import { describe, expect, jest, test } from '@jest/globals';
import { bytes as wasm } from '#wasm/plain';
import type { Backend, Session } from '../../src/core/backend.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { openShards } from '../../src/io/openShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModel } from '../../src/model/loadModel.js';
import { loadModelWithModule } from '../../src/model/loadModelWithModule.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnState } from './drawnNetwork.js';

const config = drawnConfig('deploy');
const file = encodeSafetensors(drawnState(config), { metadata: writeConfig(config) });

/** The shards of a file, each with a damaged last byte: an error after which the rest is read finds it. */
function damagedShards(bytes: Uint8Array): object {
  const { index, shards } = cutShards(bytes, { name: 'net', limit: 6000 });
  return openShards(index, (name) => {
    const shard = (shards.get(name) ?? new Uint8Array(0)).slice();
    shard[shard.length - 1] ^= 1;
    return shard;
  });
}

describe('an error about a key', () => {
  const load = (bytes: Uint8Array, keys: object) => loadModel(damagedShards(bytes) as Uint8Array, { config: keys });
  const invalid = encodeSafetensors(drawnState(config), {
    metadata: new Map(
      [...writeConfig(config)].map(([key, json]) => [key, json.replace(/"act_num":\d+/, '"act_num":-1')]),
    ),
  });

  test('of the caller is told although a shard is damaged: it does not depend on the weights', async () => {
    await expect(load(file, { class_names: ['a'] })).rejects.toThrow(
      refusal(ParamError, 'config.class_names', 'names', '1'),
    );
  });

  test('of the file is told only if no shard is damaged', async () => {
    await expect(loadModel(invalid.slice())).rejects.toThrow(refusal(ParamError, 'config.act_num', '', '-1'));
    for (const keys of [{}, { lambda: 1 }, { crop_pct: 1, lambda: 1 }]) {
      await expect(load(invalid, keys)).rejects.toThrow(refusal(WeightsError, 'net', 'sha256', ''));
    }
  });

  test('is not one about the weights, which may be damaged', async () => {
    const other = encodeSafetensors(drawnState(drawnConfig('deploy', { num_classes: 3 })), {
      metadata: writeConfig(config),
    });
    const error = refusal(WeightsError, 'net', 'sha256', '');
    await expect(load(other, { lambda: 1 })).rejects.toThrow(error);
  });
});

test('a model that comes after the abort is disposed of', async () => {
  const dispose = jest.fn();
  const session: Session = { forward: () => Promise.resolve(new Float32Array(config.num_classes)), dispose };
  let open: (session: Session) => void = () => undefined;
  const opened = new Promise<Session>((resolve) => (open = resolve));
  const begun = jest.fn();
  const backend: Backend = {
    name: 'late',
    open: () => {
      begun();
      return opened;
    },
  };
  const controller = new AbortController();
  const load = loadModel(file.slice(), { backend, signal: controller.signal });
  while (begun.mock.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort('enough');
  await expect(load).rejects.toBe('enough');
  expect(dispose).not.toHaveBeenCalled();
  open(session);
  while (dispose.mock.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(dispose).toHaveBeenCalledTimes(1);
});

test('a source is closed after an error, and after a load', async () => {
  for (const bytes of [file, encodeSafetensors(new Map())]) {
    const closed = jest.fn();
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (let at = 0; at < bytes.length; at += 100) {
          yield await Promise.resolve(bytes.slice(at, at + 100));
        }
      } finally {
        closed();
      }
    }
    await loadModel(source()).then(
      (model) => {
        model.dispose();
      },
      () => undefined,
    );
    expect(closed).toHaveBeenCalledTimes(1);
  }
});

test('the shard that is read is closed after an error', async () => {
  const { index, shards } = cutShards(file, { name: 'net', limit: 6000 });
  const events: string[] = [];
  const all = openShards(index, (name) => {
    events.push('opened');
    const bytes = shards.get(name) ?? new Uint8Array(0);
    let at = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          controller.enqueue(bytes.subarray(at, (at += 5900)));
        },
        cancel: () => {
          events.push('canceled');
        },
      },
      { highWaterMark: 0 },
    );
  });
  const load = loadModel(all, { config: { class_names: ['a'] } });
  await expect(load).rejects.toThrow(refusal(ParamError, 'config.class_names', 'names', '1'));
  expect(events).toEqual(['opened', 'canceled']);
});

describe('loadModel of vanillanet/core', () => {
  test.each([
    ['signal', { wasm, signal: 5 }, 'an AbortSignal'],
    ['wasm', { wasm: undefined }, 'a WebAssembly module, its bytes, or a Response'],
    ['wasm', { wasm: null }, 'a WebAssembly module, its bytes, or a Response'],
    ['wasm', { wasm: 5 }, 'a WebAssembly module, its bytes, or a Response'],
  ])('refuses %s: %p', async (op, options, expected) => {
    const load = loadModelWithModule(file.slice(), options as unknown as Parameters<typeof loadModelWithModule>[1]);
    await expect(load).rejects.toThrow(refusal(ParamError, op, expected, ''));
  });
});

describe('another backend', () => {
  const session: Session = { forward: () => Promise.resolve(new Float32Array(1)), dispose: () => undefined };
  const backend: Backend = { name: 'other', open: () => Promise.resolve(session) };

  test.each([
    ['threads', 2, '2'],
    ['build', 'plain', '"plain"'],
    ['memoryLimit', 5, '5'],
  ])('refuses %s', async (key, value, got) => {
    await expect(loadModel(file.slice(), { backend, [key]: value })).rejects.toMatchObject({
      ...{ name: 'ParamError', op: key, expected: 'no value with another backend', got },
      hint: "It is an option of the backend 'wasm' alone.",
    });
  });

  test('takes undefined options, and must have open()', async () => {
    const options = { backend, threads: undefined, build: undefined, memoryLimit: undefined };
    (await loadModel(file.slice(), options)).dispose();
    for (const other of [null, 5, {}, 'cuda']) {
      const load = loadModel(file.slice(), { backend: other as unknown as Backend });
      await expect(load).rejects.toThrow(refusal(ParamError, 'backend', "'wasm' or a backend", ''));
    }
  });
});
