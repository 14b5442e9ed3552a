/** `memoryPlan` predicts the memory of a loaded network, and `memoryLimit` is enforced. */
import { platform } from '#runtime';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { resolveConfig, type ModelConfig } from '../../../src/core/config.js';
import { ParamError, ShapeError } from '../../../src/core/errors.js';
import { streamOf, type WeightStream } from '../../../src/core/weights.js';
import { writeConfig } from '../../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../../src/io/safetensors.js';
import { loadModel } from '../../../src/model/loadModel.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { threadedBytesOf, sourceOf } from '../../../src/wasm/inference/build.js';
import { memoryPlan, STORED_DTYPES } from '../../../src/wasm/inference/memoryPlan.js';
import { compile, INFERENCE, instantiate, sharedMemory } from '../../../src/wasm/module.js';
import { refusal } from '../../io/refusal.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { drawState, NARROW } from '../networks.js';

/** A machine with more cores than the tests use. */
beforeEach(() => {
  jest.spyOn(platform, 'parallelism').mockReturnValue(8);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const PAGE = 2 ** 16;
const MIB = 2 ** 20;

/** Wider than the other networks, which need less than a page. */
const WIDE = {
  label: 'a wider network',
  sizes: { dims: [64, 96, 80], strides: [2, 2], num_classes: 100, act_num: 3, input_size: [96, 128] },
};
const NETWORKS = [...NARROW, WIDE];

/** Channels as the engine stores them: rounded up to a multiple of eight. */
const padded = (channels: number): number => channels + ((8 - (channels % 8)) % 8);

/** Bytes of all tensors with padded rows and columns. */
function packedBytes({ dims, in_chans, num_classes, act_num }: ModelConfig): number {
  const taps = (2 * act_num + 1) * (2 * act_num + 1);
  const floats = dims.map((channels, i) => {
    const depth = i === 0 ? 4 * 4 * in_chans : padded(dims[i - 1]);
    // The convolution and its bias, and the kernels and biases of the activation.
    return padded(channels) * (depth + 1 + taps + 1);
  });
  const head = padded(num_classes) * (padded(dims[dims.length - 1]) + 1);
  return 4 * (floats.reduce((a, b) => a + b, 0) + head);
}

describe.each(NETWORKS)('$label', ({ sizes }) => {
  const config = resolveConfig({ ...sizes, form: 'deploy' });

  test.each(BUILDS)('is the memory of an opened session, %s', async (build) => {
    const state = drawState(config);
    for (const threads of [1, 2, 5]) {
      const session = await createWasmBackend({ build, threads }).open(streamOf(state), config);
      expect(session.info.memory).toBe(Math.ceil(memoryPlan(config, { threads }).total / PAGE) * PAGE);
      session.dispose();
    }
  });

  test('has parts that add up to the total, with a small remainder', () => {
    const { weights, activations, scratch, total } = memoryPlan(config);
    expect(weights).toBe(packedBytes(config));
    // Activations include the image, the table that normalizes its bytes, and the logits.
    const pixels = config.in_chans * (config.input_size[0] * config.input_size[1] + 256);
    expect(activations).toBeGreaterThanOrEqual(4 * (pixels + config.num_classes));
    const remainder = total - weights - activations - scratch;
    // The module's own page; at most 256 bytes for the program, for each region, and for alignment.
    expect(remainder).toBeGreaterThanOrEqual(PAGE);
    expect(remainder).toBeLessThanOrEqual(PAGE + 256 * (config.dims.length + 3));
  });

  test('grows by the scratch of each further thread', () => {
    const one = memoryPlan(config);
    for (const threads of [2, 3, 7, 256]) {
      const many = memoryPlan(config, { threads });
      expect(many).toEqual({
        ...one,
        scratch: threads * one.scratch,
        total: one.total + (threads - 1) * one.scratch,
      });
    }
  });

  test('depends on the batch size only in `batch`', () => {
    const { batch: one, ...rest } = memoryPlan(config);
    const image = config.in_chans * config.input_size[0] * config.input_size[1];
    expect(one).toBe(4 * (image + config.num_classes));
    expect(memoryPlan(config, { batch: 17 })).toEqual({ ...rest, batch: 17 * one });
  });
});

test('the plans differ by more than a page, so that comparing them with sessions is meaningful', () => {
  const pages = NETWORKS.map(({ sizes }) => Math.ceil(memoryPlan(sizes).total / PAGE));
  expect(new Set(pages).size).toBeGreaterThanOrEqual(4);
});

test('configurations of either form give the plan of the deploy form', () => {
  const plan = memoryPlan({ variant: 'vanillanet_5', input_size: 32 });
  const config = resolveConfig({ variant: 'vanillanet_5', input_size: [32, 32], form: 'deploy' });
  expect(memoryPlan(config)).toEqual(plan);
  expect(plan.weights).toBe(packedBytes(config));
});

test("blocks begin after the modules' static data", async () => {
  for (const build of BUILDS) {
    expect((await instantiate(INFERENCE, sourceOf(build))).heapBase()).toBeLessThanOrEqual(PAGE);
    const threaded = await compile(await threadedBytesOf(build));
    expect((await instantiate(INFERENCE, threaded, sharedMemory(PAGE))).heapBase()).toBeLessThanOrEqual(PAGE);
  }
});

describe('the file', () => {
  const config = resolveConfig({ ...WIDE.sizes, form: 'deploy' });

  test.each(STORED_DTYPES)('is the size of the tensors in a file as %s', (dtype) => {
    const file = encodeSafetensors(drawState(config), { dtype });
    const header = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(memoryPlan(config, { dtype }).file).toBe(file.length - header);
  });

  test('as int8 is one byte per value, with float32 scales and vectors', () => {
    // stem.0 [2,3,4,4], stem.1 [2,1,1,1], stages.0.conv [5,2,1,1], stages.0.act [5,1,1,1], cls.2 [7,5,1,1], each with a
    // bias.
    const values = 2 * 48 + 2 + 5 * 2 + 5 + 7 * 5;
    const channels = 2 + 2 + 5 + 5 + 7;
    const sizes = { dims: [2, 5], strides: [2], num_classes: 7, act_num: 0, input_size: 16 };
    expect(memoryPlan(sizes, { dtype: 'int8' }).file).toBe(values + 4 * channels + 4 * channels);
  });

  test('is float32 by default, and does not change the memory', () => {
    const plan = memoryPlan(config);
    expect(memoryPlan(config, { dtype: 'float32' })).toEqual(plan);
    const half = memoryPlan(config, { dtype: 'float16' });
    expect(half).toEqual({ ...plan, file: plan.file / 2 });
  });
});

test("`size`, one side or two, replaces the configuration's size", () => {
  const plan = memoryPlan({ ...WIDE.sizes, input_size: [64, 80] });
  expect(memoryPlan(WIDE.sizes, { size: [64, 80] })).toEqual(plan);
  expect(memoryPlan(WIDE.sizes, { size: 64 })).toEqual(memoryPlan({ ...WIDE.sizes, input_size: 64 }));
  expect(plan.macs).toBeLessThan(memoryPlan(WIDE.sizes).macs);
});

test('counts the same multiply-adds as the official code', () => {
  expect(memoryPlan({ variant: 'vanillanet_5' }).macs).toBe(5_161_185_280);
  expect(memoryPlan({ variant: 'vanillanet_13_x1_5_ada_pool' }).macs).toBe(48_982_528_512);
});

describe('is refused', () => {
  const { sizes } = NARROW[0];

  test.each([0, -1, 1.5, NaN, Infinity])('for a batch of %p', (batch) => {
    expect(() => memoryPlan(sizes, { batch })).toThrow(
      refusal(ParamError, 'memoryPlan', 'batch an integer >= 1', String(batch)),
    );
  });

  test('for an unknown type of the file', () => {
    expect(() => memoryPlan(sizes, { dtype: 'flaot32' as 'float32' })).toThrow(
      expect.objectContaining({
        op: 'memoryPlan: dtype',
        expected: 'one of float32, float16, int8',
        got: '"flaot32"',
        hint: 'Did you mean float32?',
      }),
    );
  });

  test.each([0, -1, 1.5, NaN])('for a size of %p', (size) => {
    expect(() => memoryPlan(sizes, { size })).toThrow(
      refusal(ParamError, 'config.input_size', '[height, width], integers in [1, 65536]', String(size)),
    );
  });

  test.each([0, -1, 1.5, NaN, 257])('for %p threads', (threads) => {
    expect(() => memoryPlan(sizes, { threads })).toThrow(
      refusal(ParamError, 'threads', "an integer from 1 to 256, or 'auto'", String(threads)),
    );
  });

  test('beyond 4 GiB, by the image or by the threads', () => {
    const large = { variant: 'vanillanet_5', input_size: 40_000 };
    const tooLarge = refusal(ParamError, 'wasm', 'what fits into 4096 MiB of WebAssembly memory', 'at least');
    expect(() => memoryPlan(large)).toThrow(tooLarge);
    const broad = { variant: 'vanillanet_5', input_size: 3000 };
    expect(memoryPlan(broad).total).toBeLessThan(4096 * MIB);
    expect(() => memoryPlan(broad, { threads: 256 })).toThrow(tooLarge);
  });

  test('for an invalid network, and for an image that is too small', () => {
    expect(() => memoryPlan({})).toThrow(refusal(ParamError, 'config.strides', 'a list', 'undefined'));
    expect(() => memoryPlan({ ...sizes, input_size: 4 })).toThrow(ShapeError);
  });
});

/** The ways to allocate WebAssembly memory. */
interface Memory {
  new (pages: object): object;
  prototype: { grow: (this: object, pages: number) => number };
}
interface WebAssemblyGlobal {
  Memory: Memory;
  instantiate: (module: object, imports: object) => Promise<object>;
}

/** Counts memories created or grown, modules instantiated, and threads started while `run` runs. */
async function allocations(
  run: () => Promise<void>,
): Promise<{ memories: number; instances: number; workers: number }> {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyGlobal };
  if (WebAssembly === undefined) throw new Error('no WebAssembly here');
  const { Memory, instantiate } = WebAssembly;
  const { grow } = Memory.prototype;
  const counts = { memories: 0, instances: 0, workers: 0 };
  const count = (): void => {
    counts.workers++;
  };
  Memory.prototype.grow = function (pages) {
    counts.memories++;
    return grow.call(this, pages);
  };
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, [pages]: [object]) {
      counts.memories++;
      return new target(pages);
    },
  });
  WebAssembly.instantiate = (module, imports) => {
    counts.instances++;
    return instantiate(module, imports);
  };
  subscribe('worker_threads', count);
  try {
    await run();
  } finally {
    unsubscribe('worker_threads', count);
    Memory.prototype.grow = grow;
    WebAssembly.Memory = Memory;
    WebAssembly.instantiate = instantiate;
  }
  return counts;
}

describe.each([1, 3])('a limit, on %d threads', (threads) => {
  const config = resolveConfig({ ...WIDE.sizes, form: 'deploy' });
  const state = drawState(config);
  const { total } = memoryPlan(config, { threads });
  const x = draw([config.in_chans, ...config.input_size], uniform(6)).data;
  const mib = (bytes: number): string => `${Math.ceil((10 * bytes) / MIB) / 10} MiB`;

  test('is checked before memory is allocated or weights are read', async () => {
    const untouched: WeightStream = {
      shapes: streamOf(state).shapes,
      parts: () => {
        throw new Error('weights were read');
      },
    };
    const memoryLimit = total - 1;
    const counts = await allocations(async () => {
      const opening = createWasmBackend({ threads, memoryLimit }).open(untouched, config);
      await expect(opening).rejects.toThrow(
        refusal(
          ParamError,
          'wasm',
          `a network within memoryLimit, ${mib(memoryLimit)}`,
          `one that needs ${mib(total)}`,
        ),
      );
    });
    expect(counts).toEqual({ memories: 0, instances: 0, workers: 0 });
  });

  test('equal to the required memory is enough, also after an error', async () => {
    const bytes = encodeSafetensors(state, { metadata: writeConfig(config), dtype: 'float32' });
    await expect(loadModel(bytes, { threads, memoryLimit: total - 1 })).rejects.toThrow(ParamError);
    const free = await loadModel(bytes, { threads });
    const expected = await free.forward(x);
    const counts = await allocations(async () => {
      const model = await loadModel(bytes, { threads, memoryLimit: total });
      expect(await model.forward(x)).toEqual(expected);
      model.dispose();
    });
    // The counters detect the allocations of a successful open.
    expect(counts).toEqual({ memories: 1, instances: 1, workers: threads - 1 });
    free.dispose();
  });

  test('counts every thread', async () => {
    const { total: more } = memoryPlan(config, { threads: threads + 1 });
    const backend = createWasmBackend({ threads: threads + 1, memoryLimit: more - 1 });
    await expect(backend.open(streamOf(state), config)).rejects.toThrow(ParamError);
  });
});
