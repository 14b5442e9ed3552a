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
import { planCommand } from './plan.js';
import { packCommand } from './pack.js';
import { plotCommand } from './plot.js';
import { lineOf } from './print.js';
import { runCommand } from './run.js';
import { summaryCommand } from './summary.js';
import { trainCommand } from './train.js';

/** Exit statuses: what was asked could not be done; it was not asked properly. */
const FAILED = 1;
const MISUSED = 2;

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('vanillanet/package.json'), 'utf8'),
) as {
  version: string;
};

/**
 * Does what a command line asks for; `process.exitCode` says how it went.
 *
 * @param argv the program's, and the script's name first
 * @throws what is a mistake of ours
 */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('vanillanet')
    .description('VanillaNet: train it deep, fuse it shallow, run it anywhere.')
    .version(version)
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
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
    } else if (error instanceof VanillaNetError || error instanceof OracleError) {
      process.stderr.write(`${lineOf(error)}\n`);
      process.exitCode = FAILED;
    } else {
      throw error;
    }
  }
}
