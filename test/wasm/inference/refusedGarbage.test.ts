/** After invalid weights, all resources are released, including linear memory and threads. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

interface Found {
  /** Number of failed loads, by the kind of weights. */
  readonly refused: Readonly<Record<string, number>>;
  /** Number of linear memories that were created, and that were collected. */
  readonly created: number;
  readonly collected: number;
  /** Number of threads that were started, and that ended. */
  readonly started: number;
  readonly ended: number;
  /** Bytes of array buffers and linear memories after the first round, and after the last. */
  readonly bytes: readonly [number, number];
}

/** Runs the built package in a process that exposes the garbage collector. */
const script = `
  import { syncBuiltinESMExports } from 'node:module';
  import threading from 'node:worker_threads';
  import { cutShards, encodeSafetensors, loadModel, openShards, parameterShapes, resolveConfig, writeConfig } from 'vanillanet';
  const [threads, rounds] = process.argv.slice(1).map(Number);
  let [created, collected] = [0, 0];
  const registry = new FinalizationRegistry(() => collected++);
  const known = new WeakSet();
  const note = (memory) => {
    if (known.has(memory)) return;
    known.add(memory);
    created++;
    registry.register(memory);
  };
  const { instantiate, Memory } = WebAssembly;
  WebAssembly.instantiate = async (module, imports) => {
    const instance = await instantiate(module, imports);
    note(imports?.env?.memory ?? instance.exports.memory);
    return instance;
  };
  WebAssembly.Memory = class extends Memory {
    constructor(pages) {
      super(pages);
      note(this);
    }
  };
  let [started, ended] = [0, 0];
  threading.Worker = class extends threading.Worker {
    constructor(...args) {
      super(...args);
      started++;
      this.on('exit', () => ended++);
    }
  };
  syncBuiltinESMExports();
  const config = resolveConfig({ dims: [8, 8], strides: [2], num_classes: 3, input_size: 16, form: 'deploy' });
  const file = (last) => encodeSafetensors(
    new Map([...parameterShapes(config)].map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01);
      if (last !== undefined) data[data.length - 1] = last;
      return [name, { shape, data }];
    })), { metadata: writeConfig(config) });
  const good = file();
  const { index, shards } = cutShards(good, { name: 'net', limit: Math.ceil(good.length / 2) });
  const [first, second] = [...shards.values()];
  const flipped = second.slice();
  flipped[flipped.length - 1] ^= 1;
  const short = async function* () {
    yield good.subarray(0, good.length - 4);
  };
  const never = async function* () {
    yield good.subarray(0, good.length - 4);
    await new Promise(() => undefined);
  };
  const bad = {
    'another hash': () => loadModel(good, { threads, sha256: 'f'.repeat(64) }),
    'cut short': () => loadModel(short(), { threads }),
    'stalled': () => loadModel(never(), { threads, timeout: 1 }),
    'a damaged shard': () => loadModel(openShards(index, (name) => (name.includes('-00001-') ? first : flipped)), { threads }),
    'NaN': () => loadModel(file(NaN), { threads }),
  };
  const refused = Object.fromEntries(Object.keys(bad).map((kind) => [kind, 0]));
  const round = async () => {
    for (const [kind, load] of Object.entries(bad)) {
      await load().then((model) => model.dispose(), ({ name }) => { if (name === 'WeightsError') refused[kind]++; });
    }
  };
  const heldBytes = async () => {
    // Threads and buffers are released asynchronously: a minute is enough for both.
    let least = Infinity;
    for (let i = 0, unchanged = 0; i < 6000 && (unchanged < 3 || collected < created - 1 || ended < started); i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const { arrayBuffers, external } = process.memoryUsage();
      unchanged = arrayBuffers + external < least ? 0 : unchanged + 1;
      least = Math.min(least, arrayBuffers + external);
    }
    return least;
  };
  await round();
  const before = await heldBytes();
  for (let i = 1; i < rounds; i++) await round();
  const after = await heldBytes();
  console.log(JSON.stringify({ refused, created, collected, started, ended, bytes: [before, after] }));`;

test.each([
  [1, 20],
  [2, 5],
])(
  'on %d threads, %d times',
  async (threads, rounds) => {
    const args = ['--expose-gc', '--input-type=module', '--eval', script, String(threads), String(rounds)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 300_000 });
    const { refused, created, collected, started, ended, bytes } = JSON.parse(stdout) as Found;
    expect(Object.values(refused)).toEqual(Array.from({ length: 5 }, () => rounds));
    expect(created).toBe(5 * rounds);
    expect([started, ended]).toEqual([5 * rounds * (threads - 1), started]);
    // The last one may still be referenced from the stack.
    expect(created - collected).toBeLessThanOrEqual(1);
    // A leak of a page in every load would be many times larger.
    expect(bytes[1] - bytes[0]).toBeLessThan(2 ** 16);
  },
  330_000,
);
