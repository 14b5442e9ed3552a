import { CommanderError, type Command } from 'commander';
import { errorLines, ScriptError } from './scriptError.js';

/** Exit statuses, the same as of `vanillanet`. */
const FAILED = 1;
const USAGE = 2;

/** Runs a script's command line. Prints expected errors without a stack, with their hints. @returns the exit status */
export async function runScript(program: Command, parameters: readonly string[]): Promise<number> {
  try {
    await program.exitOverride().showHelpAfterError('Try --help.').parseAsync(parameters, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    if (!(error instanceof ScriptError || error instanceof AggregateError)) throw error;
    for (const line of errorLines(error)) console.error(line);
    return FAILED;
  }
}
