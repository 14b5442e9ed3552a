/** A session that answers for long: what a call takes, it gives back. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Rounds of so many calls each, of which the first is not counted: code lies on the heap, too. */
const [ROUNDS, CALLS] = [4, 5_000];
/** A leak of a call (a result, a promise, a closure) is an object, of at least two words. */
const OBJECT = 16;

/** Bytes after a round: on the heap, outside of it, in array buffers; and the linear memories. */
interface Usage {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly linear: readonly number[];
}

/** Of the built package, in a process whose garbage can be collected when it is to be counted. */
const script = `
  import { createWasmBackend, Model, parameterShapes, resolveConfig, streamOf } from 'vanillanet';
  const [threads, rounds, calls] = process.argv.slice(1).map(Number);
  const memories = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const instance = await instantiate(...given);
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
  const found = {};
  for (const [way, run] of Object.entries(ways)) {
    found[way] = [];
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < calls; i++) await run();
      found[way].push(await usage());
    }
  }
  console.log(JSON.stringify(found));`;

/** The smallest growth from round to round: a leak of every call grows in every round. */
const growth = (after: readonly number[]): number => Math.min(...after.slice(1).map((bytes, i) => bytes - after[i]));

test.each([1, 2])(
  'twenty thousand calls of each kind leave nothing behind, on %d threads',
  async (threads) => {
    const given = [threads, ROUNDS, CALLS].map(String);
    const args = ['--expose-gc', '--input-type=module', '--eval', script, ...given];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 300_000 });
    const found = JSON.parse(stdout) as Record<string, readonly Usage[]>;
    expect(Object.keys(found)).toEqual(['forward', 'classify', 'features']);
    for (const rounds of Object.values(found)) {
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
