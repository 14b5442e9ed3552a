import { Command } from 'commander';
import { listEngines } from '../tfjs/node/engines.js';
import { print, printJson, table } from './print.js';

async function engines({ json }: { readonly json?: true }): Promise<void> {
  const all = await listEngines();
  if (json) {
    printJson(all);
    return;
  }
  print(
    table([
      ['engine', 'device', 'GPU', 'trains', 'version'],
      ...all.flatMap((state) =>
        state.available
          ? [
              [
                state.engine,
                state.device,
                state.isHardware ? 'yes' : 'no',
                state.canTrain ? 'yes' : 'no',
                state.version,
              ],
            ]
          : [],
      ),
    ]),
  );
  const missing = all.flatMap((state) => (state.available ? [] : [state]));
  if (missing.length > 0) print('');
  for (const { engine, reason, hint } of missing) print(`${engine}: ${reason}. ${hint}`);
}

export const enginesCommand = (): Command =>
  new Command('engines')
    .description('List the engines of TensorFlow.js, and why one is unavailable.')
    .addHelpText('after', '\nVANILLANET_ENGINES: a folder whose node_modules are searched first.')
    .option('--json', 'print JSON')
    .action(engines);
