/**
 * Runs all benchmarks on one machine and prints the results, then every target with its verdict. Compare ratios, not
 * milliseconds: those depend on the machine.
 *
 *     npm run bench                            everything, about 45 minutes; writes a file to bench/results/
 *     npm run bench -- kernels engine          some parts, in a file of their own
 *     npm run bench -- --quick                 a short run to test the benchmarks; writes no file
 */
import { Argument, Command } from 'commander';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { VARIANTS, type VariantName } from '../src/core/config.js';
import type { Build } from '../src/wasm/build.js';
import { sourceOf } from '../src/wasm/inference/build.js';
import { validates } from '../src/wasm/module.js';
import { benchEngine, formatEngine, type EngineReport } from './engine.js';
import { benchFusion, formatFusion, type FusionRow } from './fusion.js';
import { benchEpoch, formatEpoch, type EpochEffort } from './epoch.js';
import { benchKernels, formatKernels, type KernelReport } from './kernels.js';
import { machine } from './machine.js';
import { benchNetworks, formatNetworks, type NetworkEffort, type NetworkRow } from './networks.js';
import { formatReport, type Report } from './peers/src/report.js';
import { formatTrainers, type TrainingPeersReport } from './peers/src/training/report.js';
import { formatSizes, measureSizes, type SizeRow } from './sizes.js';
import { formatTargets, targetsOf, type TrainingMeasurements } from './targets.js';
import { benchTraining, formatTraining, type TrainingEffort } from './training.js';

const PARTS = ['sizes', 'kernels', 'engine', 'networks', 'fusion', 'training', 'peers'] as const;
type Part = (typeof PARTS)[number];

interface Results {
  sizes?: readonly SizeRow[];
  kernels?: KernelReport;
  engine?: readonly EngineReport[];
  networks?: readonly NetworkRow[];
  fusion?: readonly FusionRow[];
  training?: TrainingMeasurements;
  peers?: Report | null;
}

interface Effort {
  /** Seconds for each op. */
  readonly kernels: number;
  /** Rounds of the engine's benchmark. */
  readonly engine: number;
  readonly networks: NetworkEffort;
  readonly variants: readonly VariantName[];
  /** From the smallest to the largest. */
  readonly fusion: readonly VariantName[];
  readonly training: TrainingEffort;
  readonly epoch: EpochEffort;
}

const FULL: Effort = {
  kernels: 1,
  engine: 20,
  networks: { rounds: 2, single: 8, batches: 1 },
  variants: Object.keys(VARIANTS) as VariantName[],
  fusion: ['vanillanet_5', 'vanillanet_9', 'vanillanet_13', 'vanillanet_13_x1_5'],
  training: { rounds: 15, steps: 20, warmUp: 60 },
  epoch: { epochs: 3, images: 50_000 },
};
const QUICK: Effort = {
  kernels: 0.1,
  engine: 3,
  networks: { rounds: 1, single: 2, batches: 1 },
  variants: ['vanillanet_5', 'vanillanet_6'],
  fusion: ['vanillanet_5'],
  training: { rounds: 3, steps: 5, warmUp: 10 },
  epoch: { epochs: 1, images: 3200 },
};

/** Logs progress to stderr: stdout contains only the report. */
const log = (line: string): void => {
  process.stderr.write(`bench: ${line}\n`);
};

const print = (block: string): void => {
  process.stdout.write(`${block}\n\n`);
};

/** Runs a benchmark of bench/peers, which has its own packages, in a child process. @returns its report; null if it failed */
async function benchPeers<R>(script: string, quick: boolean): Promise<R | null> {
  const args = [
    '--import',
    './scripts/ts-node.js',
    `bench/peers/src/${script}`,
    '--json',
    ...(quick ? ['--quick'] : []),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  // Status 1: this package's result is missing or wrong. The report says which, if there is one.
  if (status !== 0) process.exitCode = 1;
  return output === '' ? null : (JSON.parse(output) as R);
}

async function bench(parts: readonly Part[], { quick = false }: { readonly quick?: boolean }): Promise<void> {
  const effort = quick ? QUICK : FULL;
  const machineInfo = machine();
  print(
    `${machineInfo.cpu}, ${machineInfo.cores} cores, Node ${machineInfo.node}, load ${machineInfo.load.toFixed(2)}`,
  );
  const results: Results = {};
  const selection = parts.length === 0 ? PARTS : PARTS.filter((part) => parts.includes(part));
  for (const part of selection) {
    log(part);
    switch (part) {
      case 'sizes':
        print(formatSizes((results.sizes = await measureSizes())));
        break;
      case 'kernels':
        print(formatKernels((results.kernels = await benchKernels(effort.kernels))));
        break;
      case 'engine': {
        const builds: readonly Build[] = validates(sourceOf('relaxed')) ? ['plain', 'relaxed'] : ['plain'];
        const reports: EngineReport[] = [];
        for (const build of builds) {
          const report = await benchEngine(build, effort.engine);
          print(formatEngine(report));
          reports.push(report);
        }
        results.engine = reports;
        break;
      }
      case 'networks':
        print(formatNetworks((results.networks = await benchNetworks(effort.variants, effort.networks, log))));
        break;
      case 'fusion':
        print(formatFusion((results.fusion = benchFusion(effort.fusion, log))));
        break;
      case 'training': {
        const steps = await benchTraining(effort.training);
        print(formatTraining(steps));
        log('training: epochs');
        const epoch = await benchEpoch(effort.epoch);
        print(formatEpoch(epoch));
        const peers = await benchPeers<TrainingPeersReport>('training/main.ts', quick);
        print(peers === null ? 'The peers in training could not be measured.' : formatTrainers(peers));
        results.training = { steps, epoch, peers };
        break;
      }
      case 'peers':
        results.peers = await benchPeers<Report>('main.ts', quick);
        print(results.peers === null ? 'The peers could not be measured.' : formatReport(results.peers));
    }
  }
  const targets = targetsOf(results);
  if (targets.length > 0) print(formatTargets(targets));
  if (quick) return;
  const [date] = new Date().toISOString().split('T');
  const partNames = selection.length < PARTS.length ? `${selection.join('-')}-` : '';
  const file = `bench/results/${date}-${partNames}node${process.versions.node.split('.')[0]}.json`;
  await mkdir('bench/results', { recursive: true });
  await writeFile(file, `${JSON.stringify({ date, machine: machineInfo, targets, ...results }, null, 2)}\n`);
  log(file);
}

await new Command('npm run bench --')
  .description(
    'Measures sizes, single ops, the engine relative to register-only loops, whole networks, fusion, training, and other runtimes.',
  )
  .addArgument(new Argument('[parts...]', 'run only these parts').choices(PARTS))
  .option('--quick', 'a short run to test the benchmarks')
  .addHelpText('after', '\nSet VANILLANET_PYTHON to a Python with PyTorch.')
  .action(bench)
  .parseAsync();
