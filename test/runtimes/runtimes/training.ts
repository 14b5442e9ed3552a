/** A few steps of training where there is no Node, against Node's. */
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
type Trained = Readonly<Record<string, readonly number[]>>;

/**
 * The engine's weights are the same everywhere. The oracle's are not: it has its exponentials from the
 * runtime, of which every version of V8 has its own last digits.
 */
const LARGEST: Readonly<Record<string, number>> = { wasm: 0, oracle: 1e-12 };

async function judged({ folder }: Consumer, trained: Trained): Promise<Finding> {
  const { stdout } = await run(process.execPath, ['trainingNode.mjs'], { cwd: folder });
  const expected = JSON.parse(stdout) as Trained;
  const notes: string[] = [];
  for (const [name, weights] of Object.entries(trained)) {
    const difference = Math.max(...expected[name].map((weight, i) => Math.abs(weight - weights[i])));
    const note = `${name}: ${weights.length} weights, at most ${difference} from Node's`;
    if (weights.length !== expected[name].length || !(difference <= LARGEST[name])) return note;
    notes.push(note);
  }
  return notes.length > 0 ? notes : 'nothing was trained';
}

export async function trainingPage(consumer: Consumer): Promise<Finding> {
  const { folder } = consumer;
  if (executable() === null) return { skipped: NO_CHROMIUM };
  const out = join(folder, 'page-training');
  await BUNDLERS.esbuild(join(folder, 'trainingPage.mjs'), out);
  // Not isolated: nothing of it asks for shared memory.
  const site = { html: BUNDLED, roots: [out], isolated: false };
  const trained = await tabOf(consumer, site, (tab) =>
    tab.evaluate(() => (globalThis as unknown as { answers: () => Promise<Trained> }).answers()),
  );
  return judged(consumer, trained.answer);
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
    return await judged(consumer, (await response.json()) as Trained);
  } finally {
    await miniflare.dispose();
  }
}
