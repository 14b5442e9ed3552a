/**
 * VanillaNet-5 at 224x224 on the engine, against what a register loop reaches on
 * this machine in the same run: other work slows both, so that the shares count
 * and not the milliseconds.
 *
 *     npm run bench:engine
 *
 * Every round times the register loop, more sums than a tile has, the 4x8 tile on
 * blocks that stay in L1, and one inference, a panel of eight channels at a time
 * (a millisecond or less). Printed are the fastest and the median round, and
 * `quiet`: every panel's fastest round, added up, which is what a round would take
 * were nobody else at work. Rates, and shares of the register loop, are of that.
 */
import { instantiate as instantiateRaw } from '@assemblyscript/loader';
import * as asc from 'assemblyscript/asc';
import { cpus, loadavg } from 'node:os';
import { uniform } from '../reference/index.js';
import { resolveConfig } from '../src/core/config.js';
import { parameterShapes } from '../src/core/parameters.js';
import { sizeOf } from '../src/core/tensor.js';
import { bytesOf, type Build } from '../src/wasm/build.js';
import { instantiate, validates, type WasmMemory } from '../src/wasm/module.js';
import { streamOf } from '../src/core/weights.js';
import { planLayout } from '../src/wasm/layout.js';
import { loadNetwork, setPlanes } from '../src/wasm/network.js';

const ROUNDS = 20;
/** Before those, until the optimising compiler is done. */
const WARM = 3;

/** Exports of assembly/bench/ceiling.ts. */
interface Ceiling {
  readonly memory: WasmMemory;
  readonly heapBase: () => number;
  readonly eightSums: (iterations: number, x: number, y: number) => number;
  readonly twelveSums: (iterations: number, x: number, y: number) => number;
  readonly tile4x8: (c: number, rowBytes: number, a: number, b: number, k: number) => void;
}

/** Compiled here, because nothing of it is shipped; optimised as the shipped modules are. */
async function compileCeiling(build: Build): Promise<Uint8Array> {
  const outputs = new Map<string, string | Uint8Array>();
  const features = ['--enable', 'simd', ...(build === 'relaxed' ? ['--enable', 'relaxed-simd'] : [])];
  const flags = ['--runtime', 'stub', ...features, '--noAssert', '--use', 'abort=', '--disableWarning', '112'];
  const { error } = await asc.main(
    ['assembly/bench/ceiling.ts', '--outFile', 'ceiling.wasm', '--optimizeLevel', '3', ...flags],
    {
      stderr: process.stderr,
      writeFile: (name, contents) => {
        outputs.set(name, contents);
      },
    },
  );
  const wasm = outputs.get('ceiling.wasm');
  if (error !== null || !(wasm instanceof Uint8Array)) throw error ?? new Error('no module came out');
  return wasm;
}

/** Uniform in ±1/√fan-in, so that nothing overflows and nothing becomes subnormal, which would be slow. */
function drawState(config: ReturnType<typeof resolveConfig>) {
  return new Map(
    [...parameterShapes(config)].map(([name, shape], stream) => {
      const width = 2 / Math.sqrt(sizeOf(shape.slice(1)));
      const few = Float32Array.from({ length: 4099 }, (_, i) => width * (uniform(1, stream, i) - 0.5));
      return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => few[i % few.length]) }];
    }),
  );
}

interface Part {
  readonly name: string;
  readonly macs: number;
  /** It runs all of these, which are timed one by one. */
  readonly steps: readonly (() => void)[];
}

async function ceilingParts(build: Build): Promise<Part[]> {
  const { exports } = await instantiateRaw<Record<keyof Ceiling, unknown>>(await compileCeiling(build));
  const { heapBase, memory, eightSums, twelveSums, tile4x8 } = exports as Ceiling;
  const depth = 256;
  const [c, a] = [heapBase(), heapBase() + 128];
  const b = a + 16 * depth;
  const missing = b + 32 * depth - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  const [calls, iterations, tiles] = [200, 4_000, 4_000];
  return [
    {
      name: 'register loop',
      macs: 32 * calls * iterations,
      steps: [
        () => {
          for (let i = 0; i < calls; i++) eightSums(iterations, 0.5, 0.25);
        },
      ],
    },
    {
      name: 'twelve sums',
      macs: 48 * calls * iterations,
      steps: [
        () => {
          for (let i = 0; i < calls; i++) twelveSums(iterations, 0.5, 0.25);
        },
      ],
    },
    {
      name: 'tile in L1',
      macs: 32 * depth * tiles,
      steps: [
        () => {
          for (let i = 0; i < tiles; i++) tile4x8(c, 32, a, b, depth);
        },
      ],
    },
  ];
}

async function networkParts(build: Build): Promise<Part[]> {
  const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy' });
  const kernels = await instantiate(bytesOf(build));
  const network = await loadNetwork(kernels, config, planLayout(config), streamOf(drawState(config)));
  setPlanes(
    network,
    network.planes.map((_, i) => 2 * uniform(2, 0, i) - 1),
  );
  return network.layout.regions.map((region) => ({
    name: region.name,
    macs: region.macs,
    steps: Array.from({ length: region.panels }, (_, panel) => () => {
      network.runPanels(region, panel, panel + 1);
    }),
  }));
}

const sorted = (values: readonly number[]): number[] => [...values].sort((x, y) => x - y);

interface Timing {
  readonly quiet: number;
  readonly min: number;
  readonly median: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);

/** From the times of each round, step by step. */
function timing(rounds: readonly (readonly number[])[]): Timing {
  const totals = sorted(rounds.map(sum));
  const fastest = rounds[0].map((_, step) => Math.min(...rounds.map((round) => round[step])));
  return { quiet: sum(fastest), min: totals[0], median: totals[totals.length >> 1] };
}

function print(name: string, macs: number, { quiet, min, median }: Timing, peak: number): void {
  const rate = macs / quiet / 1e6;
  const cells = [quiet, min, median, ...(macs > 0 ? [rate, (100 * rate) / peak] : [])];
  process.stdout.write(`${name.padEnd(16)}${cells.map((v) => v.toFixed(2).padStart(10)).join('')}\n`);
}

async function bench(build: Build): Promise<void> {
  const ceilings = await ceilingParts(build);
  const parts = [...ceilings, ...(await networkParts(build))];
  const rounds: number[][][] = [];
  for (let round = -WARM; round < ROUNDS; round++) {
    const times = parts.map(({ steps }) =>
      steps.map((step) => {
        const start = performance.now();
        step();
        return performance.now() - start;
      }),
    );
    if (round >= 0) rounds.push(times);
  }
  const timings = parts.map((_, i) => timing(rounds.map((times) => times[i])));
  const peak = parts[0].macs / timings[0].quiet / 1e6;
  const head = ['quiet ms', 'min ms', 'median ms', 'GMAC/s', '% of peak'].map((title) => title.padStart(10)).join('');
  process.stdout.write(`\n${build.padEnd(16)}${head}\n`);
  parts.forEach(({ name, macs }, i) => {
    print(name, macs, timings[i], peak);
  });
  const network = parts.slice(ceilings.length);
  const whole = timing(rounds.map((times) => times.slice(ceilings.length).flat()));
  print('VanillaNet-5', sum(network.map(({ macs }) => macs)), whole, peak);
}

process.stdout.write(`${cpus()[0].model}, Node ${process.versions.node}, load ${loadavg()[0].toFixed(1)}\n`);
await bench('plain');
if (validates(bytesOf('relaxed'))) await bench('relaxed');
