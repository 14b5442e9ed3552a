import { Command } from 'commander';
import { withClosingText } from './helpLayout.js';
import { listEngines } from '../tfjs/node/engines.js';
import { outputColumns, print, printBlock, printJson, table } from './print.js';

async function engines({ json }: { readonly json?: true }): Promise<void> {
  const all = await listEngines();
  if (json) {
    printJson(all);
    return;
  }
  const rows = all.flatMap((state) => {
    if (!state.available) return [];
    const { engine, device, isHardware, canTrain, version } = state;
    return [[engine, device, isHardware ? 'yes' : 'no', canTrain ? 'yes' : 'no', version]];
  });
  printBlock(table([['engine', 'device', 'GPU', 'trains', 'version'], ...rows], outputColumns()));
  const missing = all.flatMap((state) => (state.available ? [] : [state]));
  if (missing.length > 0) print('');
  for (const { engine, reason, hint } of missing) print(`${engine}: ${reason}. ${hint}`);
}

export const enginesCommand = (): Command =>
  withClosingText(
    new Command('engines').description('List the engines of TensorFlow.js, and why one is unavailable.'),
    'VANILLANET_ENGINES: a folder whose node_modules are searched first.',
  )
    .option('--json', 'print JSON')
    .action(engines);
