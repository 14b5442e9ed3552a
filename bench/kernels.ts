/**
 * The ops of `vanillanet/ops` one by one, on the shapes of VanillaNet-5 at 224x224 with an eighth of its channels:
 * plain WebAssembly compared with the float64 reference, and as a share of the rate of loops over registers. Times
 * include copying tensors into and out of linear memory, as in every call of an op.
 */
import Benchmark from 'benchmark';
import * as reference from '../reference/index.js';
import { table } from '../src/cli/print.js';
import { sizeOf } from '../src/core/tensor.js';
import { fromOracle } from '../src/oracle/state.js';
import { openOps, type WasmOps } from '../src/wasm/ops/openOps.js';
import { compileCeiling, openCeiling, registerLoops } from './ceiling.js';
import { rounded } from './statistics.js';

interface Case {
  readonly name: string;
  /** Multiply-adds; null if the op has none. */
  readonly macs: number | null;
  readonly wasm: () => unknown;
  readonly oracle: () => unknown;
}

export interface KernelRow {
  readonly name: string;
  readonly wasmMs: number;
  readonly oracleMs: number;
  readonly gmacPerSecond: number | null;
  readonly shareOfPeak: number | null;
}

export interface KernelReport {
  /** Billions of multiply-adds per second of the faster loop over registers. */
  readonly peak: number;
  readonly rows: readonly KernelRow[];
}

/** Values uniform in [−1, 1), as tensors of the reference and of the engine; both are float32 numbers. */
function draw(shape: readonly number[], stream: number) {
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => 2 * reference.uniform(1, stream, i) - 1);
  const oracle = reference.tensor(values, shape);
  return { oracle, wasm: { ...fromOracle(oracle), data: values } };
}

function casesOf(ops: WasmOps): Case[] {
  function convolution(name: string, [c, k, size, kernel, stride]: [number, number, number, number, number]): Case {
    const [x, w, b] = [draw([1, c, size, size], 1), draw([k, c, kernel, kernel], 2), draw([k], 3)];
    const options = { stride, padding: 0 };
    return {
      name: `conv2d ${name}`,
      macs: k * c * kernel ** 2 * Math.floor((size - kernel) / stride + 1) ** 2,
      wasm: () => ops.conv2d(x.wasm, w.wasm, b.wasm, options),
      oracle: () => reference.conv2d(x.oracle, w.oracle, b.oracle, options),
    };
  }
  function depthwise(c: number, size: number): Case {
    const [x, w, b] = [draw([1, c, size, size], 1), draw([c, 1, 7, 7], 2), draw([c], 3)];
    const options = { stride: 1, padding: 3 };
    return {
      name: `depthwiseConv2d 7x7 ${c}x${size}x${size}`,
      macs: c * 49 * size ** 2,
      wasm: () => ops.depthwiseConv2d(x.wasm, w.wasm, b.wasm, options),
      oracle: () => reference.depthwiseConv2d(x.oracle, w.oracle, b.oracle, options),
    };
  }
  const map = draw([1, 128, 56, 56], 4);
  return [
    convolution('stem 4x4', [3, 64, 224, 4, 4]),
    convolution('64→128 at 56x56', [64, 128, 56, 1, 1]),
    convolution('256→512 at 14x14', [256, 512, 14, 1, 1]),
    depthwise(64, 56),
    depthwise(512, 7),
    {
      name: 'maxPool2d 2x2 128x56x56',
      macs: null,
      wasm: () => ops.maxPool2d(map.wasm, { kernel_size: 2, stride: 2 }),
      oracle: () => reference.maxPool2d(map.oracle, { kernelSize: 2 }),
    },
    {
      name: 'adaptiveMaxPool2d 38 128x56x56',
      macs: null,
      wasm: () => ops.adaptiveMaxPool2d(map.wasm, { output_size: [38, 38] }),
      oracle: () => reference.adaptiveMaxPool2d(map.oracle, [38, 38]),
    },
    {
      name: 'leakyRelu λ 0 128x56x56',
      macs: null,
      wasm: () => ops.leakyRelu(map.wasm, 0),
      oracle: () => reference.leakyRelu(map.oracle, 0),
    },
    {
      name: 'globalAvgPool 128x56x56',
      macs: null,
      wasm: () => ops.globalAvgPool(map.wasm),
      oracle: () => reference.globalAvgPool(map.oracle),
    },
  ];
}

/** Seconds per call: the mean over the samples of the benchmark library. */
function seconds(name: string, maxTime: number, run: () => unknown): number {
  const bench = new Benchmark(name, run, { maxTime });
  bench.run();
  return bench.stats.mean;
}

/** @param maxTime seconds for each op and for each loop */
export async function benchKernels(maxTime: number): Promise<KernelReport> {
  const loops = registerLoops(await openCeiling(await compileCeiling('plain')));
  const peak = Math.max(...loops.map(({ name, macs, steps: [run] }) => macs / seconds(name, maxTime, run) / 1e9));
  const rows = casesOf(await openOps()).map(({ name, macs, wasm, oracle }): KernelRow => {
    const [fast, slow] = [seconds(name, maxTime, wasm), seconds(name, maxTime, oracle)];
    const rate = macs === null ? null : macs / fast / 1e9;
    const shareOfPeak = rate === null ? null : rate / peak;
    return { name, wasmMs: 1e3 * fast, oracleMs: 1e3 * slow, gmacPerSecond: rate, shareOfPeak };
  });
  return { peak, rows };
}

export const formatKernels = ({ peak, rows }: KernelReport): string =>
  table([
    ['op by op, plain build, 1 thread', 'ms', 'reference ms', 'reference / wasm', 'GMAC/s', `% of ${rounded(peak)}`],
    ...rows.map(({ name, wasmMs, oracleMs, gmacPerSecond, shareOfPeak }) => [
      name,
      rounded(wasmMs),
      rounded(oracleMs),
      rounded(oracleMs / wasmMs),
      gmacPerSecond === null ? '' : `${rounded(gmacPerSecond)}`,
      shareOfPeak === null ? '' : `${rounded(100 * shareOfPeak)}`,
    ]),
  ]);
