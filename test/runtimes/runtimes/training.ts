/** A few training steps in runtimes other than Node, compared with Node's. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Miniflare } from 'miniflare';
import { BUNDLERS } from '../bundlers.js';
import { executable, NO_CHROMIUM } from '../chromium.js';
import type { Consumer } from '../consumer.js';
import type { Finding } from '../report.js';
import { BUNDLED, tabOf } from './chromium.js';
import { DATE, deploy } from './workerd.js';

const run = promisify(execFile);

/** Weights by trainer. */
type FinalWeights = Readonly<Record<string, readonly number[]>>;

/**
 * Largest accepted difference. The engine's weights are the same everywhere. The reference uses `Math.exp`, whose last
 * digits depend on the version of V8.
 */
const TOLERANCE: Readonly<Record<string, number>> = { wasm: 0, fused: 0, oracle: 1e-12 };

async function compareWithNode({ folder }: Consumer, weightsByTrainer: FinalWeights): Promise<Finding> {
  const { stdout } = await run(process.execPath, ['trainingNode.mjs'], { cwd: folder });
  const expected = JSON.parse(stdout) as FinalWeights;
  const notes: string[] = [];
  for (const [name, weights] of Object.entries(weightsByTrainer)) {
    const difference = Math.max(...expected[name].map((weight, i) => Math.abs(weight - weights[i])));
    const note = `${name}: ${weights.length} values, at most ${difference} from Node's`;
    if (weights.length !== expected[name].length || !(difference <= TOLERANCE[name])) return note;
    notes.push(note);
  }
  return notes.length > 0 ? notes : 'no weights to compare';
}

export async function trainingPage(consumer: Consumer): Promise<Finding> {
  const { folder } = consumer;
  if (executable() === null) return { skipped: NO_CHROMIUM };
  const out = join(folder, 'page-training');
  await BUNDLERS.esbuild(join(folder, 'trainingPage.mjs'), out);
  // Not isolated, because training on one thread needs no shared memory.
  const site = { html: BUNDLED, roots: [out], isolated: false };
  const weightsByTrainer = await tabOf(consumer, site, (tab) =>
    tab.evaluate(() => (globalThis as unknown as { answers: () => Promise<FinalWeights> }).answers()),
  );
  return compareWithNode(consumer, weightsByTrainer.answer);
}

export async function trainingWorker(consumer: Consumer): Promise<Finding> {
  const out = await deploy(consumer.folder, 'trainingWorker');
  const miniflare = new Miniflare({
    modules: true,
    modulesRoot: out,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    scriptPath: join(out, 'trainingWorker.js'),
    compatibilityDate: DATE,
  });
  try {
    const response = await miniflare.dispatchFetch('http://worker/');
    if (!response.ok) return `status ${response.status}: ${await response.text()}`;
    return await compareWithNode(consumer, (await response.json()) as FinalWeights);
  } finally {
    await miniflare.dispose();
  }
}
