import { Command, CommanderError } from 'commander';
import { CPU, GPU } from './flavor.js';
import { setup, type Options } from './setup.js';
import { isLack, linesOf, SetupError } from './setupError.js';

/** Exit statuses, as vanillanet's: what was asked could not be done; it was not asked properly. And: the machine lacks something. */
const FAILED = 1;
const MISUSED = 2;
const LACKING = 3;

export interface Output {
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
}

async function run({ gpu, ...options }: Options & { gpu?: true }, { say, complain }: Output): Promise<number> {
  try {
    await setup(gpu ? GPU : CPU, options, say);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof AggregateError)) throw error;
    for (const line of linesOf(error)) complain(`setup:tfjs-node: ${line}`);
    return isLack(error) ? LACKING : FAILED;
  }
}

/** The command line: its exit status. */
export async function commandLine(parameters: readonly string[], output: Output): Promise<number> {
  let status = 0;
  const program = new Command('npm run setup:tfjs-node --')
    .description(
      'TensorFlow in Node: builds the addon of @tensorflow/tfjs-node 4.22.0 in engines/tfjs-node/built, and checks it. ' +
        "Without --libtensorflow the package's own install is tried first, then a wheel that pip downloads.",
    )
    .option('--gpu', 'tfjs-node-gpu, for CUDA (Linux)')
    .option(
      '--libtensorflow <source>',
      'what to build against: a folder with include/ and lib/, the folder tensorflow of site-packages, a wheel of ' +
        'tensorflow-cpu (with --gpu: of tensorflow), or pip, which downloads one',
    )
    .option('--force', 'build it even where it is there already')
    .addHelpText(
      'after',
      `
Examples:
  $ npm run setup:tfjs-node
  $ npm run setup:tfjs-node -- --libtensorflow pip
  $ npm run setup:tfjs-node -- --libtensorflow tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl
  $ npm run setup:tfjs-node -- --gpu --libtensorflow .venv/lib/python3.12/site-packages/tensorflow

Building needs Linux and a C++ compiler (CXX, c++, g++, clang++); wheels need Python 3, downloading them pip.
Exit status 3 means that this machine lacks what it takes, be it a program, a wheel for it or a host in reach; 1 that it
could not be done for another reason, 2 that it was not asked properly. docs/tfjs-node.md tells more.`,
    )
    .allowExcessArguments(false)
    .showHelpAfterError('Try --help.')
    .configureOutput({ writeOut: output.say, writeErr: output.complain })
    .exitOverride()
    .action(async (options: Options & { gpu?: true }) => {
      status = await run(options, output);
    });
  try {
    await program.parseAsync(parameters, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : MISUSED;
  }
}
