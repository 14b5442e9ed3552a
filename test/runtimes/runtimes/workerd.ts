/** Cloudflare Workers: what `wrangler deploy --dry-run` would upload, in Miniflare with R2. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Miniflare } from 'miniflare';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const run = promisify(execFile);
const WRANGLER = fileURLToPath(new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url));
const DATE = '2026-04-01';

/** Its own type is of packages that are not installed. */
interface Bucket {
  put(key: string, value: Uint8Array): Promise<unknown>;
}

/** What `wrangler deploy` would upload of a program. @returns the folder with it */
export async function dryRun(folder: string, program: string): Promise<string> {
  const [config, out] = [`${program}.json`, `${program}-deployed`];
  const described = { name: 'consumer', main: `${program}.mjs`, compatibility_date: DATE };
  await writeFile(join(folder, config), JSON.stringify(described));
  await run(process.execPath, [WRANGLER, 'deploy', '--dry-run', '--outdir', out, '--config', config], {
    cwd: folder,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
  });
  return join(folder, out);
}

export async function workerd({ folder, photograph }: Consumer): Promise<readonly Answer[]> {
  const out = await dryRun(folder, 'worker');
  const miniflare = new Miniflare({
    modules: true,
    modulesRoot: out,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    scriptPath: join(out, 'worker.js'),
    compatibilityDate: DATE,
    r2Buckets: { WEIGHTS: 'weights' },
  });
  try {
    const bucket = (await miniflare.getR2Bucket('WEIGHTS')) as unknown as Bucket;
    // Miniflare sends bytes to the other process, and knows no Buffer.
    await bucket.put('net.safetensors', Uint8Array.from(await readFile(join(folder, 'net.safetensors'))));
    const { data, width, height } = photograph;
    const response = await miniflare.dispatchFetch(`http://worker/?width=${width}&height=${height}`, {
      method: 'POST',
      body: data,
    });
    if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer[];
  } finally {
    await miniflare.dispose();
  }
}
