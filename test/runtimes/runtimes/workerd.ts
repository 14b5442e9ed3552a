/** Cloudflare Workers: runs the output of `wrangler deploy --dry-run` in Miniflare, with R2. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';
import { dryRun } from '../wrangler.js';

export const DATE = '2026-04-01';

/** Its type is in a package that is not installed. */
interface Bucket {
  put(key: string, value: Uint8Array): Promise<unknown>;
}

/** Writes a program as it would be uploaded. @returns the folder with it */
export async function deploy(folder: string, program: string): Promise<string> {
  const [config, out] = [`${program}.json`, `${program}-deployed`];
  const described = {
    name: 'consumer',
    main: `${program}.mjs`,
    compatibility_date: DATE,
    minify: true,
    keep_names: false,
  };
  await writeFile(join(folder, config), JSON.stringify(described));
  await dryRun(folder, out, '--config', config);
  return join(folder, out);
}

export async function workerd({ folder, photograph }: Consumer): Promise<readonly Answer[]> {
  const out = await deploy(folder, 'worker');
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
    // Miniflare cannot send a Buffer to the other process.
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
