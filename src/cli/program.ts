import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { OracleError } from '../../reference/index.js';
import { VanillaNetError } from '../core/errors.js';
import { escapeLines } from '../core/escapeControls.js';
import { benchCommand } from './bench.js';
import { classifyCommand } from './classify.js';
import { convertCommand } from './convert.js';
import { diffCommand } from './diff.js';
import { downloadCommand } from './download.js';
import { enginesCommand } from './engines.js';
import { evalCommand } from './eval.js';
import { fuseCommand } from './fuse.js';
import { HELP_WIDTH, withHelpLayout } from './helpLayout.js';
import { inspectCommand } from './inspect.js';
import { packCommand } from './pack.js';
import { planCommand } from './plan.js';
import { plotCommand } from './plot.js';
import { printError } from './print.js';
import { runCommand } from './run.js';
import { summaryCommand } from './summary.js';
import { trainCommand } from './train.js';
import { textColumns } from './wrap.js';

/** Exit statuses: the command failed, or its arguments are wrong. */
export const FAILURE = 1;
const USAGE_ERROR = 2;

/** A terminal's own width; not its 80 columns in a pipe, but one line an option. */
const helpColumns = (stream: NodeJS.WritableStream): number => {
  const columns = textColumns(stream);
  return columns === Infinity ? HELP_WIDTH : columns;
};

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('vanillanet/package.json'), 'utf8'),
) as { version: string };

/** `help` with an unknown command becomes that command, which is refused by name: commander would print the general help. */
function withoutHelpOfUnknown(argv: readonly string[], program: Command): readonly string[] {
  const [node, script, first, name] = argv as readonly (string | undefined)[];
  if (first !== 'help' || name === undefined || name.startsWith('-')) return argv;
  const isKnown = name === 'help' || program.commands.some((command) => command.name() === name);
  return isKnown ? argv : [node ?? '', script ?? '', name];
}

/**
 * Runs a command line. Sets `process.exitCode` to 1 if the command fails and to 2 for a usage error.
 *
 * @param argv as in `process.argv`: the path of Node and that of the script come first
 * @throws errors that are bugs of this package, unchanged
 */
export async function main(argv: readonly string[]): Promise<void> {
  const program = withHelpLayout(new Command('vanillanet'))
    .description('VanillaNet: train it deep, fuse it shallow, run it anywhere.')
    .version(version)
    .configureOutput({
      getOutHelpWidth: () => helpColumns(process.stdout),
      getErrHelpWidth: () => helpColumns(process.stderr),
      // Messages quote arguments.
      writeErr: (text) => process.stderr.write(escapeLines(text)),
    })
    .showHelpAfterError('Try --help.');
  for (const command of [
    downloadCommand(),
    trainCommand(),
    inspectCommand(),
    convertCommand(),
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
    await program.parseAsync(withoutHelpOfUnknown(argv, program));
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
