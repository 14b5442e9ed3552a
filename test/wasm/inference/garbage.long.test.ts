/** Calls on a session leak no memory. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Rounds of calls. The first is not compared, because compiled code is on the heap, too. */
const [ROUNDS, CALLS] = [4, 5_000];
/** A leak in every call (a result, a promise, a closure) is an object of at least two words. */
const OBJECT = 16;

/** Bytes after a round: on the heap, external, in array buffers, and in linear memories. */
interface Usage {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly linear: readonly number[];
}

/** Runs the built package in a process that exposes the garbage collector. */
const script = `
  import { createWasmBackend, Model, parameterShapes, resolveConfig, streamOf } from 'vanillanet';
  const [threads, rounds, calls] = process.argv.slice(1).map(Number);
  const memories = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate(...args);
    memories.push(instance.exports.memory);
    return instance;
  };
  const config = resolveConfig({ dims: [8, 8], strides: [2], num_classes: 3, input_size: 16, form: 'deploy' });
  const state = new Map([...parameterShapes(config)].map(([name, shape]) => [
    name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01) }]));
  const model = await Model.open(state, config, createWasmBackend({ threads }));
  const x = new Float32Array(3 * 256).fill(1);
  const image = { data: new Uint8Array(3 * 256).fill(7), width: 16, height: 16 };
  const ways = {
    forward: () => model.forward(x),
    classify: () => model.classify(image),
    features: () => model.features(x, ['stem', 'cls.0']),
  };
  const usage = async () => {
    // Buffers are freed in the background: collects until three collections in a row free nothing.
    let least = { heapUsed: Infinity, external: Infinity, arrayBuffers: Infinity };
    for (let unchanged = 0; unchanged < 3; unchanged++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const now = process.memoryUsage();
      if (now.external < least.external || now.arrayBuffers < least.arrayBuffers) unchanged = 0;
      for (const kind of Object.keys(least)) least[kind] = Math.min(least[kind], now[kind]);
    }
    return { ...least, linear: memories.map(({ buffer }) => buffer.byteLength) };
  };
  const usageByWay = {};
  for (const [way, run] of Object.entries(ways)) {
    usageByWay[way] = [];
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < calls; i++) await run();
      usageByWay[way].push(await usage());
    }
  }
  console.log(JSON.stringify(usageByWay));`;

/** The smallest growth from round to round: a leak of every call grows in every round. */
const growth = (after: readonly number[]): number => Math.min(...after.slice(1).map((bytes, i) => bytes - after[i]));

test.each([1, 2])(
  'twenty thousand calls of each kind leak no memory, on %d threads',
  async (threads) => {
    const parameters = [threads, ROUNDS, CALLS].map(String);
    const args = ['--expose-gc', '--input-type=module', '--eval', script, ...parameters];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 300_000 });
    const usageByWay = JSON.parse(stdout) as Record<string, readonly Usage[]>;
    expect(Object.keys(usageByWay)).toEqual(['forward', 'classify', 'features']);
    for (const rounds of Object.values(usageByWay)) {
      expect(rounds).toHaveLength(ROUNDS);
      expect(new Set(rounds.map(({ linear }) => linear.join())).size).toBe(1);
      expect(rounds[0].linear).toHaveLength(1);
      for (const kind of ['heapUsed', 'external', 'arrayBuffers'] as const) {
        expect(growth(rounds.map((usage) => usage[kind]))).toBeLessThan(OBJECT * CALLS);
      }
    }
  },
  330_000,
);
