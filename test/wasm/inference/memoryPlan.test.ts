/** `memoryPlan` predicts the memory of a loaded network, and `memoryLimit` is enforced. */
import { describe, expect, test } from '@jest/globals';
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

const PAGE = 2 ** 16;
const MIB = 2 ** 20;

/** Wider than the narrow ones, whose needs are lost in a page. */
const WIDE = {
  label: 'some width',
  sizes: { dims: [64, 96, 80], strides: [2, 2], num_classes: 100, act_num: 3, input_size: [96, 128] },
};
const NETWORKS = [...NARROW, WIDE];

/** Channels as the engine stores them, by eights. */
const whole = (channels: number): number => channels + ((8 - (channels % 8)) % 8);

/** Bytes of all tensors with rows and columns filled up, tensor by tensor. */
function packedBytes({ dims, in_chans, num_classes, act_num }: ModelConfig): number {
  const taps = (2 * act_num + 1) * (2 * act_num + 1);
  const floats = dims.map((channels, i) => {
    const depth = i === 0 ? 4 * 4 * in_chans : whole(dims[i - 1]);
    // The convolution and its bias, the activation's kernels and theirs.
    return whole(channels) * (depth + 1 + taps + 1);
  });
  const head = whole(num_classes) * (whole(dims[dims.length - 1]) + 1);
  return 4 * (floats.reduce((a, b) => a + b, 0) + head);
}

describe.each(NETWORKS)('$label', ({ sizes }) => {
  const config = resolveConfig({ ...sizes, form: 'deploy' });

  test.each(BUILDS)('is what an opened session takes, %s', async (build) => {
    const state = drawState(config);
    for (const threads of [1, 2, 5]) {
      const session = await createWasmBackend({ build, threads }).open(streamOf(state), config);
      expect(session.info.memory).toBe(Math.ceil(memoryPlan(config, { threads }).total / PAGE) * PAGE);
      session.dispose();
    }
  });

  test('adds up, with little besides', () => {
    const { weights, activations, scratch, total } = memoryPlan(config);
    expect(weights).toBe(packedBytes(config));
    // The image as it comes, its bytes' meaning, and the logits are part of it.
    const pixels = config.in_chans * (config.input_size[0] * config.input_size[1] + 256);
    expect(activations).toBeGreaterThanOrEqual(4 * (pixels + config.num_classes));
    const besides = total - weights - activations - scratch;
    // A page of the module's own; two cache lines for the program, each region, and what it works on.
    expect(besides).toBeGreaterThanOrEqual(PAGE);
    expect(besides).toBeLessThanOrEqual(PAGE + 256 * (config.dims.length + 3));
  });

  test('grows with threads by their scratch alone', () => {
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

  test('does not depend on the batch, but for the batch', () => {
    const { batch: one, ...rest } = memoryPlan(config);
    const image = config.in_chans * config.input_size[0] * config.input_size[1];
    expect(one).toBe(4 * (image + config.num_classes));
    expect(memoryPlan(config, { batch: 17 })).toEqual({ ...rest, batch: 17 * one });
  });
});

test('the plans differ by more than a page, or the sessions would show nothing', () => {
  const pages = NETWORKS.map(({ sizes }) => Math.ceil(memoryPlan(sizes).total / PAGE));
  expect(new Set(pages).size).toBeGreaterThanOrEqual(4);
});

test('configurations of either form give the plan of the deploy form', () => {
  const plan = memoryPlan({ variant: 'vanillanet_5', input_size: 32 });
  const config = resolveConfig({ variant: 'vanillanet_5', input_size: [32, 32], form: 'deploy' });
  expect(memoryPlan(config)).toEqual(plan);
  expect(plan.weights).toBe(packedBytes(config));
});

test('blocks begin behind what the modules keep for themselves', async () => {
  for (const build of BUILDS) {
    expect((await instantiate(INFERENCE, sourceOf(build))).heapBase()).toBeLessThanOrEqual(PAGE);
    const threaded = await compile(await threadedBytesOf(build));
    expect((await instantiate(INFERENCE, threaded, sharedMemory(PAGE))).heapBase()).toBeLessThanOrEqual(PAGE);
  }
});

describe('the file', () => {
  const config = resolveConfig({ ...WIDE.sizes, form: 'deploy' });

  test.each(STORED_DTYPES)('is the size of the tensors in a file as %s', (dtype) => {
    const written = encodeSafetensors(drawState(config), { dtype });
    const header = 8 + Number(new DataView(written.buffer).getBigUint64(0, true));
    expect(memoryPlan(config, { dtype }).file).toBe(written.length - header);
  });

  test('is a byte a value as int8, with scales, and vectors as they are', () => {
    // stem.0 [2,3,4,4], stem.1 [2,1,1,1], stages.0.conv [5,2,1,1], stages.0.act [5,1,1,1], cls.2 [7,5,1,1], each with a bias.
    const values = 2 * 48 + 2 + 5 * 2 + 5 + 7 * 5;
    const channels = 2 + 2 + 5 + 5 + 7;
    const sizes = { dims: [2, 5], strides: [2], num_classes: 7, act_num: 0, input_size: 16 };
    expect(memoryPlan(sizes, { dtype: 'int8' }).file).toBe(values + 4 * channels + 4 * channels);
  });

  test('is float32 where nothing is said, and changes nothing in memory', () => {
    const plan = memoryPlan(config);
    expect(memoryPlan(config, { dtype: 'float32' })).toEqual(plan);
    const half = memoryPlan(config, { dtype: 'float16' });
    expect(half).toEqual({ ...plan, file: plan.file / 2 });
  });
});

test('a size takes the place of that of the configuration, as a side or as two', () => {
  const plan = memoryPlan({ ...WIDE.sizes, input_size: [64, 80] });
  expect(memoryPlan(WIDE.sizes, { size: [64, 80] })).toEqual(plan);
  expect(memoryPlan(WIDE.sizes, { size: 64 })).toEqual(memoryPlan({ ...WIDE.sizes, input_size: 64 }));
  expect(plan.macs).toBeLessThan(memoryPlan(WIDE.sizes).macs);
});

test("multiply-adds are those of the official code's count", () => {
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

  test('for a type that no file has', () => {
    expect(() => memoryPlan(sizes, { dtype: 'float64' as 'float32' })).toThrow(
      refusal(ParamError, 'memoryPlan', 'dtype one of float32, float16, int8', 'float64'),
    );
  });

  test.each([0, -1, 1.5, NaN])('for a size of %p', (size) => {
    expect(() => memoryPlan(sizes, { size })).toThrow(
      refusal(ParamError, 'config.input_size', '[height, width], integers >= 1', String(size)),
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

/** Every way to memory there is. */
interface Memory {
  new (pages: object): object;
  prototype: { grow: (this: object, pages: number) => number };
}
interface WebAssemblyGlobal {
  Memory: Memory;
  instantiate: (module: object, imports: object) => Promise<object>;
}

/** How often memory was made or grown, a module instantiated, and a thread started, while `run` ran. */
async function allocations(
  run: () => Promise<void>,
): Promise<{ memories: number; instances: number; workers: number }> {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyGlobal };
  if (WebAssembly === undefined) throw new Error('no WebAssembly here');
  const { Memory, instantiate: make } = WebAssembly;
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
    return make(module, imports);
  };
  subscribe('worker_threads', count);
  try {
    await run();
  } finally {
    unsubscribe('worker_threads', count);
    Memory.prototype.grow = grow;
    WebAssembly.Memory = Memory;
    WebAssembly.instantiate = make;
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
        throw new Error('asked for weights');
      },
    };
    const memoryLimit = total - 1;
    const counts = await allocations(async () => {
      const opened = createWasmBackend({ threads, memoryLimit }).open(untouched, config);
      await expect(opened).rejects.toThrow(
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

  test('equal to the need is enough, also after an error', async () => {
    const bytes = encodeSafetensors(state, { metadata: writeConfig(config), dtype: 'float32' });
    await expect(loadModel(bytes, { threads, memoryLimit: total - 1 })).rejects.toThrow(ParamError);
    const free = await loadModel(bytes, { threads });
    const expected = await free.forward(x);
    const counts = await allocations(async () => {
      const model = await loadModel(bytes, { threads, memoryLimit: total });
      expect(await model.forward(x)).toEqual(expected);
      model.dispose();
    });
    // The same counters see what there is to see.
    expect(counts).toEqual({ memories: 1, instances: 1, workers: threads - 1 });
    free.dispose();
  });

  test('counts every thread', async () => {
    const { total: more } = memoryPlan(config, { threads: threads + 1 });
    const backend = createWasmBackend({ threads: threads + 1, memoryLimit: more - 1 });
    await expect(backend.open(streamOf(state), config)).rejects.toThrow(ParamError);
  });
});
