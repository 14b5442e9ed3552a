/** The runtimes by name, in the order in which they are run. */
import type { Consumer } from './consumer.js';
import type { Answer, Finding } from './report.js';
import { browserExample } from './examples/browser.js';
import { nextEdge } from './examples/nextEdge.js';
import { narrow, vanillanet5 } from './runtimes/cappedWorkerd.js';
import { foreignWeights, page, scriptTag } from './runtimes/chromium.js';
import { command } from './runtimes/commands.js';
import { edgeRuntime } from './runtimes/edgeRuntime.js';
import { fromUrl } from './runtimes/fromUrl.js';
import { imagesPage } from './runtimes/images.js';
import { lambda } from './runtimes/lambda.js';
import { stores } from './runtimes/stores.js';
import { trainingPage, trainingWorker } from './runtimes/training.js';
import { upload } from './runtimes/upload.js';
import { workerd } from './runtimes/workerd.js';

/** Returns answers, or why the runtime is skipped. */
type Run = (consumer: Consumer) => Promise<readonly Answer[] | string>;

export const RUNTIMES: Readonly<Record<string, Run>> = {
  'node-20': command('node-20'),
  'node-22': command('node-22'),
  'node-24': command('node-24'),
  'node-26': command('node-26'),
  deno: command('deno'),
  bun: command('bun'),
  lambda,
  workerd,
  'edge-runtime': edgeRuntime,
  'example-next-edge': nextEdge,
  chromium: page('esbuild', { isolated: false }),
  'chromium-isolated': page('esbuild', { isolated: true }),
  'chromium-url': foreignWeights,
  'script-tag': scriptTag({ isolated: false }),
  'script-tag-isolated': scriptTag({ isolated: true }),
  vite: page('vite', { isolated: true }),
  'vite-html': page('vite-html', { isolated: true }),
  webpack: page('webpack', { isolated: true }),
  rollup: page('rollup', { isolated: true }),
  'example-browser': browserExample,
};

/** Weights that are not a local file. The logits are compared with Node's on the same weights. */
export const SOURCES: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  'workerd-stores': stores,
  'deno-url': fromUrl('deno'),
  'bun-url': fromUrl('bun'),
};

/** Pictures and training, compared with Node's. */
export const TRAININGS: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  'images-chromium': imagesPage,
  'training-chromium': trainingPage,
  'training-workerd': trainingWorker,
};

/** Size, memory and processor time in a Worker. */
export const BUDGETS: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  'workerd-upload': upload,
  'workerd-vanillanet_5': vanillanet5,
  'workerd-narrow': narrow,
};
