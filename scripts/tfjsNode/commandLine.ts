import { Command, CommanderError } from 'commander';
import { CPU, GPU } from './flavor.js';
import { setup, type Options } from './setup.js';
import { errorLines } from '../scriptError.js';
import { isLack, SetupError } from './setupError.js';

/** Exit statuses: an error, a usage error, and a machine that lacks something. */
const FAILED = 1;
const USAGE = 2;
const LACKING = 3;

export interface Output {
  readonly log: (line: string) => void;
  readonly logError: (line: string) => void;
}

async function run({ gpu, ...options }: Options & { gpu?: true }, { log, logError }: Output): Promise<number> {
  try {
    await setup(gpu ? GPU : CPU, options, log);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof AggregateError)) throw error;
    for (const line of errorLines(error)) logError(`setup:tfjs-node: ${line}`);
    return isLack(error) ? LACKING : FAILED;
  }
}

/** Runs the command line. @returns the exit status */
export async function commandLine(parameters: readonly string[], output: Output): Promise<number> {
  let status = 0;
  const program = new Command('npm run setup:tfjs-node --')
    .description(
      'Builds the addon of @tensorflow/tfjs-node 4.22.0 in engines/tfjs-node/built, and checks it. Without ' +
        "--libtensorflow, tries the package's own install script first, then a wheel that pip downloads.",
    )
    .option('--gpu', 'build tfjs-node-gpu, for CUDA (Linux)')
    .option(
      '--libtensorflow <source>',
      'build against a folder with include/ and lib/, the folder tensorflow of site-packages, a wheel of ' +
        'tensorflow-cpu (with --gpu: of tensorflow), or "pip", which downloads a wheel',
    )
    .option('--force', 'build again even if a working build exists')
    .addHelpText(
      'after',
      `
Examples:
  $ npm run setup:tfjs-node
  $ npm run setup:tfjs-node -- --libtensorflow pip
  $ npm run setup:tfjs-node -- --libtensorflow tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl
  $ npm run setup:tfjs-node -- --gpu --libtensorflow .venv/lib/python3.12/site-packages/tensorflow

Building needs Linux and a C++ compiler (CXX, c++, g++, clang++). Wheels need Python 3, and pip to download them.
Exit status: 0 success, 1 error, 2 usage error, 3 the machine lacks a program, a wheel or access to a host.
See docs/tfjs-node.md.`,
    )
    .allowExcessArguments(false)
    .showHelpAfterError('Try --help.')
    .configureOutput({ writeOut: output.log, writeErr: output.logError })
    .exitOverride()
    .action(async (options: Options & { gpu?: true }) => {
      status = await run(options, output);
    });
  try {
    await program.parseAsync(parameters, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE;
  }
}
