/**
 * The kernels of the deploy form, one by one, on the shapes of VanillaNet-5 at
 * 224x224 with an eighth of its channels: WebAssembly against the float64 oracle,
 * in one run, so that the ratios count and not the milliseconds.
 *
 *     npm run bench              prints a table and writes bench/results/<date>-kernels-node<version>.json
 */
import Benchmark from 'benchmark';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import * as reference from '../reference/index.js';
import { sizeOf } from '../src/core/tensor.js';
import { fromOracle } from '../src/oracle/state.js';
import { openOps } from '../src/wasm/ops.js';

interface Case {
  readonly name: string;
  /** Multiply-adds, or elements read where nothing is multiplied. */
  readonly work: number;
  readonly wasm: () => unknown;
  readonly oracle: () => unknown;
}

const ops = await openOps();

/** Uniform in [−1, 1), in both forms, equal: float32 values. */
function draw(shape: readonly number[], stream: number) {
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => 2 * reference.uniform(1, stream, i) - 1);
  const oracle = reference.tensor(values, shape);
  return { oracle, wasm: { ...fromOracle(oracle), data: values } };
}

function convolution(name: string, [c, k, size, kernel, stride]: [number, number, number, number, number]): Case {
  const [x, w, b] = [draw([1, c, size, size], 1), draw([k, c, kernel, kernel], 2), draw([k], 3)];
  const options = { stride, padding: 0 };
  return {
    name: `conv2d ${name}`,
    work: k * c * kernel ** 2 * Math.floor((size - kernel) / stride + 1) ** 2,
    wasm: () => ops.conv2d(x.wasm, w.wasm, b.wasm, options),
    oracle: () => reference.conv2d(x.oracle, w.oracle, b.oracle, options),
  };
}

function depthwise(c: number, size: number): Case {
  const [x, w, b] = [draw([1, c, size, size], 1), draw([c, 1, 7, 7], 2), draw([c], 3)];
  const options = { stride: 1, padding: 3 };
  return {
    name: `depthwiseConv2d 7x7 ${c}x${size}x${size}`,
    work: c * 49 * size ** 2,
    wasm: () => ops.depthwiseConv2d(x.wasm, w.wasm, b.wasm, options),
    oracle: () => reference.depthwiseConv2d(x.oracle, w.oracle, b.oracle, options),
  };
}

const map = draw([1, 128, 56, 56], 4);

const CASES: readonly Case[] = [
  convolution('stem 4x4', [3, 64, 224, 4, 4]),
  convolution('64→128 at 56x56', [64, 128, 56, 1, 1]),
  convolution('256→512 at 14x14', [256, 512, 14, 1, 1]),
  depthwise(64, 56),
  depthwise(512, 7),
  {
    name: 'maxPool2d 2x2 128x56x56',
    work: map.oracle.size,
    wasm: () => ops.maxPool2d(map.wasm, { kernel_size: 2, stride: 2 }),
    oracle: () => reference.maxPool2d(map.oracle, { kernelSize: 2 }),
  },
  {
    name: 'adaptiveMaxPool2d 38 128x56x56',
    work: map.oracle.size,
    wasm: () => ops.adaptiveMaxPool2d(map.wasm, { output_size: [38, 38] }),
    oracle: () => reference.adaptiveMaxPool2d(map.oracle, [38, 38]),
  },
  {
    name: 'leakyRelu λ 0 128x56x56',
    work: map.oracle.size,
    wasm: () => ops.leakyRelu(map.wasm, 0),
    oracle: () => reference.leakyRelu(map.oracle, 0),
  },
  {
    name: 'globalAvgPool 128x56x56',
    work: map.oracle.size,
    wasm: () => ops.globalAvgPool(map.wasm),
    oracle: () => reference.globalAvgPool(map.oracle),
  },
];

/** Seconds a call, by the mean of the library's samples. */
function seconds(name: string, run: () => unknown): number {
  const bench = new Benchmark(name, run, { maxTime: 1 });
  bench.run();
  return bench.stats.mean;
}

const load = loadavg()[0];
const results = CASES.map(({ name, work, wasm, oracle }) => {
  const [fast, slow] = [seconds(name, wasm), seconds(name, oracle)];
  const row = { name, wasmMs: 1e3 * fast, oracleMs: 1e3 * slow, ratio: slow / fast, gigaPerSecond: work / fast / 1e9 };
  process.stdout.write(
    `${name.padEnd(36)} ${row.wasmMs.toFixed(3).padStart(9)} ms  ${row.gigaPerSecond.toFixed(2).padStart(6)} G/s  ` +
      `${row.ratio.toFixed(0).padStart(5)}x the oracle\n`,
  );
  return row;
});

const [date] = new Date().toISOString().split('T');
const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, load };
const file = `bench/results/${date}-kernels-node${process.versions.node.split('.')[0]}.json`;
await mkdir('bench/results', { recursive: true });
await writeFile(file, `${JSON.stringify({ date, machine, results }, null, 2)}\n`);
process.stdout.write(
  `\nG/s are multiply-adds (elements for pools and activations), copies in and out included.\n${file}\n`,
);
