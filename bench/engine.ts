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
import { cpus, loadavg } from 'node:os';
import { uniform } from '../reference/index.js';
import { resolveConfig } from '../src/core/config.js';
import { parameterShapes } from '../src/core/parameters.js';
import { sizeOf } from '../src/core/tensor.js';
import { bytesOf, type Build } from '../src/wasm/build.js';
import { instantiate, validates } from '../src/wasm/module.js';
import { streamOf } from '../src/core/weights.js';
import { planLayout } from '../src/wasm/layout.js';
import { loadNetwork, setPlanes } from '../src/wasm/network.js';
import { ceilingParts, compileCeiling, openCeiling, type Part } from './ceiling.js';

const ROUNDS = 20;
/** Before those, until the optimising compiler is done. */
const WARM = 3;

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
  const ceilings = ceilingParts(await openCeiling(await compileCeiling(build)));
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
