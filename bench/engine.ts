/**
 * VanillaNet-5 at 224x224, compared with loops over registers in the same run: other work on the machine slows both, so
 * the shares are meaningful and the milliseconds are not.
 *
 * Each round times two loops over registers (with eight and with twelve sums), the tiles on blocks that stay in L1, and
 * one inference, a panel of eight channels at a time (a millisecond or less). Reported are the fastest round, the median
 * round and `quiet`: the sum over panels of each panel's fastest round, which estimates a round on an idle machine.
 * Rates and shares refer to `quiet`.
 */
import { uniform } from '../reference/index.js';
import { randomWeights } from '../src/cli/randomWeights.js';
import { median } from '../src/cli/median.js';
import { table } from '../src/cli/print.js';
import { resolveConfig } from '../src/core/config.js';
import type { Build } from '../src/wasm/build.js';
import { sourceOf } from '../src/wasm/inference/build.js';
import { planLayout } from '../src/wasm/inference/layout.js';
import { INFERENCE, instantiate } from '../src/wasm/module.js';
import { loadNetwork, setPlanes } from '../src/wasm/inference/network.js';
import { singleThread } from '../src/wasm/team.js';
import { compileCeiling, openCeiling, registerLoops, tileParts, type Part } from './ceiling.js';
import { rounded, sum } from './statistics.js';

/** Rounds before the measured ones, until the optimizing compiler has finished. */
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
  /** The loops over registers, the tiles, the parts of the network. */
  readonly rows: readonly EngineRow[];
  readonly tiles: readonly EngineRow[];
  readonly network: EngineRow;
  /** GMAC/s of the faster loop over registers: with eight sums, it is bound by latency on some machines. */
  readonly peak: number;
  /** Of the network. */
  readonly shareOfPeak: number;
}

async function networkParts(build: Build): Promise<Part[]> {
  const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy' });
  const kernels = await instantiate(INFERENCE, sourceOf(build));
  const layout = planLayout(config);
  const network = await loadNetwork(singleThread(kernels, layout), config, layout, randomWeights(config));
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

/** @param rounds milliseconds of each step in each round */
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
  const ceiling = await openCeiling(await compileCeiling(build));
  const loops = registerLoops(ceiling);
  const tiles = tileParts(ceiling, build);
  const network = await networkParts(build);
  const parts = [...loops, ...tiles, ...network];
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
  const before = loops.length + tiles.length;
  const whole = times.map((round) => round.slice(before).flat());
  const total = rowOf('VanillaNet-5', sum(network.map(({ macs }) => macs)), whole);
  const peak = Math.max(...rows.slice(0, loops.length).map(({ gmacPerSecond }) => gmacPerSecond));
  return {
    build,
    rows,
    tiles: rows.slice(loops.length, before),
    network: total,
    peak,
    shareOfPeak: total.gmacPerSecond / peak,
  };
}

export const formatEngine = ({ build, rows, network, peak }: EngineReport): string =>
  table([
    [`stage by stage, ${build} build, 1 thread`, 'quiet ms', 'min ms', 'median ms', 'GMAC/s', '% of the peak'],
    ...[...rows, network].map(({ name, quietMs, minMs, medianMs, gmacPerSecond }) => [
      name,
      ...[quietMs, minMs, medianMs, gmacPerSecond, (100 * gmacPerSecond) / peak].map(rounded),
    ]),
  ]);
