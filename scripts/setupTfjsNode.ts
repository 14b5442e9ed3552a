/** Builds tfjs-node in engines/, outside the project's own packages: see docs/tfjs-node.md. */
import { Command } from 'commander';
import { CPU, GPU } from './tfjsNode/flavour.js';
import { setup, type Options } from './tfjsNode/setup.js';
import { linesOf, SetupError } from './tfjsNode/setupError.js';

const say = (line: string): void => {
  console.log(line);
};

await new Command('npm run setup:tfjs-node --')
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
Exit status 1 means that it could not be done, 2 that it was not asked properly. docs/tfjs-node.md tells more.`,
  )
  .allowExcessArguments(false)
  .showHelpAfterError('Try --help.')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  })
  .action(async ({ gpu, ...options }: Options & { gpu?: true }) => {
    try {
      await setup(gpu ? GPU : CPU, options, say);
    } catch (error) {
      if (!(error instanceof SetupError || error instanceof AggregateError)) throw error;
      for (const line of linesOf(error)) console.error(`setup:tfjs-node: ${line}`);
      process.exitCode = 1;
    }
  })
  .parseAsync();
