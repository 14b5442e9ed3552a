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
    .description('The engines of TensorFlow.js that are here, and why the others are not.')
    .addHelpText(
      'after',
      '\nVANILLANET_ENGINES names a folder whose node_modules come first, and in the place of what setup:tfjs-node has built in a clone.',
    )
    .option('--json', 'print JSON')
    .action(engines);
