import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { OracleError } from '../../reference/index.js';
import { VanillaNetError } from '../core/errors.js';
import { benchCommand } from './bench.js';
import { classifyCommand } from './classify.js';
import { diffCommand } from './diff.js';
import { downloadCommand } from './download.js';
import { enginesCommand } from './engines.js';
import { evalCommand } from './eval.js';
import { fuseCommand } from './fuse.js';
import { packCommand } from './pack.js';
import { planCommand } from './plan.js';
import { plotCommand } from './plot.js';
import { printError } from './print.js';
import { runCommand } from './run.js';
import { summaryCommand } from './summary.js';
import { trainCommand } from './train.js';

/** Exit statuses: the command failed, or its arguments are wrong. */
export const FAILURE = 1;
const USAGE_ERROR = 2;

/** Columns of the help text in a pipe or a file. */
const HELP_WIDTH = 110;

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('vanillanet/package.json'), 'utf8'),
) as { version: string };

/**
 * Runs a command line. Sets `process.exitCode` to 1 if the command fails and to 2 for a usage error.
 *
 * @param argv as in `process.argv`: the path of Node and that of the script come first
 * @throws errors that are bugs of this package, unchanged
 */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('vanillanet')
    .description('VanillaNet: train it deep, fuse it shallow, run it anywhere.')
    .version(version)
    // Not a terminal's 80 columns in a pipe: one line an option.
    .configureOutput({ getOutHelpWidth: () => (process.stdout.isTTY ? process.stdout.columns : HELP_WIDTH) })
    .showHelpAfterError('Try --help.');
  for (const command of [
    downloadCommand(),
    trainCommand(),
    fuseCommand(),
    packCommand(),
    classifyCommand(),
    evalCommand(),
    plotCommand(),
    diffCommand(),
    summaryCommand(),
    benchCommand(),
    planCommand(),
    enginesCommand(),
    runCommand(),
  ]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  for (const command of [program, ...program.commands]) command.exitOverride();

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
    } else if (error instanceof VanillaNetError || error instanceof OracleError) {
      printError(error);
      process.exitCode = FAILURE;
    } else {
      throw error;
    }
  }
}
