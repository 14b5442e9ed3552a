/**
 * VanillaNet-5 at 224x224 on the engine, against what loops over registers reach on
 * this machine in the same run: other work slows both, so that the shares count and
 * not the milliseconds.
 *
 * Every round times two loops over registers (eight sums, as the 4x8 tile has, and
 * twelve), the tile on blocks that stay in L1, and one inference, a panel of eight
 * channels at a time (a millisecond or less). Told are the fastest and the median
 * round, and `quiet`: every panel's fastest round, added up, which is what a round
 * would take were nobody else at work. Rates and shares are of that.
 */
import { uniform } from '../reference/index.js';
import { drawnWeights } from '../src/cli/drawnWeights.js';
import { median } from '../src/cli/median.js';
import { table } from '../src/cli/print.js';
import { resolveConfig } from '../src/core/config.js';
import type { Build } from '../src/wasm/build.js';
import { sourceOf } from '../src/wasm/inference/build.js';
import { planLayout } from '../src/wasm/inference/layout.js';
import { INFERENCE, instantiate } from '../src/wasm/module.js';
import { loadNetwork, setPlanes } from '../src/wasm/inference/network.js';
import { ceilingParts, compileCeiling, openCeiling, type Part } from './ceiling.js';
import { rounded, sum } from './statistics.js';

/** Rounds before those that count, until the optimizing compiler is done. */
const WARM = 3;

export interface EngineRow {
  readonly name: string;
  readonly macs: number;
  readonly quietMs: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly gmacPerSecond: number;
}

export interface EngineReport {
  readonly build: Build;
  /** The loops over registers, the tile, the parts of the network. */
  readonly rows: readonly EngineRow[];
  readonly network: EngineRow;
  /** GMAC/s of the faster loop: that with eight sums waits for its own results on some machines. */
  readonly peak: number;
  readonly shareOfPeak: number;
}

async function networkParts(build: Build): Promise<Part[]> {
  const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy' });
  const kernels = await instantiate(INFERENCE, sourceOf(build));
  const network = await loadNetwork(kernels, config, planLayout(config), drawnWeights(config));
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

/** From the times of each round, step by step. */
function rowOf(name: string, macs: number, rounds: readonly (readonly number[])[]): EngineRow {
  const totals = rounds.map(sum);
  const quietMs = sum(rounds[0].map((_, step) => Math.min(...rounds.map((round) => round[step]))));
  return {
    name,
    macs,
    quietMs,
    minMs: Math.min(...totals),
    medianMs: median(totals),
    gmacPerSecond: macs / quietMs / 1e6,
  };
}

export async function benchEngine(build: Build, rounds: number): Promise<EngineReport> {
  const ceilings = ceilingParts(await openCeiling(await compileCeiling(build)));
  const parts = [...ceilings, ...(await networkParts(build))];
  const times: number[][][] = [];
  for (let round = -WARM; round < rounds; round++) {
    const taken = parts.map(({ steps }) =>
      steps.map((step) => {
        const start = performance.now();
        step();
        return performance.now() - start;
      }),
    );
    if (round >= 0) times.push(taken);
  }
  const rows = parts.map(({ name, macs }, i) =>
    rowOf(
      name,
      macs,
      times.map((round) => round[i]),
    ),
  );
  const whole = times.map((round) => round.slice(ceilings.length).flat());
  const network = rowOf('VanillaNet-5', sum(parts.slice(ceilings.length).map(({ macs }) => macs)), whole);
  const [eight, twelve] = rows;
  const peak = Math.max(eight.gmacPerSecond, twelve.gmacPerSecond);
  return { build, rows, network, peak, shareOfPeak: network.gmacPerSecond / peak };
}

export const formatEngine = ({ build, rows, network, peak }: EngineReport): string =>
  table([
    [`stage by stage, ${build} build, 1 thread`, 'quiet ms', 'min ms', 'median ms', 'GMAC/s', '% of the peak'],
    ...[...rows, network].map(({ name, quietMs, minMs, medianMs, gmacPerSecond }) => [
      name,
      ...[quietMs, minMs, medianMs, gmacPerSecond, (100 * gmacPerSecond) / peak].map(rounded),
    ]),
  ]);
