/** Cloudflare's KV, R2 and cache in Miniflare: int8 and float16, in one file and in shards, compared with Node. */
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import type { Consumer } from '../consumer.js';
import { packedOf } from '../packed.js';
import type { Answer, Finding } from '../report.js';
import { DATE, deploy } from './workerd.js';

/** The common part of both stores. Their types are in packages that are not installed. */
interface Store {
  put(key: string, value: Uint8Array | string): Promise<unknown>;
}

export async function stores(consumer: Consumer): Promise<Finding> {
  const packed = await packedOf(consumer);
  const out = await deploy(consumer.folder, 'stores');
  const miniflare = new Miniflare({
    modules: true,
    modulesRoot: out,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    scriptPath: join(out, 'stores.js'),
    compatibilityDate: DATE,
    kvNamespaces: ['KV'],
    r2Buckets: ['R2'],
  });
  try {
    const namespaces = [await miniflare.getKVNamespace('KV'), await miniflare.getR2Bucket('R2')] as unknown as Store[];
    for (const store of namespaces) {
      for (const { files } of packed) for (const [file, content] of files) await store.put(file, content);
    }
    const { data, width, height } = consumer.photograph;
    const names = packed.map(({ name }) => `&name=${name}`).join('');
    const url = `http://worker/?width=${width}&height=${height}${names}`;
    const response = await miniflare.dispatchFetch(url, { method: 'POST', body: data });
    if (!response.ok) return `status ${response.status}: ${await response.text()}`;
    const answers = (await response.json()) as (Answer & { store: string; name: string })[];
    const other = answers.filter(({ name, logits }) => packed.find((each) => each.name === name)?.logits !== logits);
    if (other.length > 0)
      return `other logits than Node's of ${other.map(({ store, name }) => `${name} in ${store}`).join(', ')}`;
    return answers.map(({ store, name, loadMs }) => `${name} in ${store}: loaded in ${loadMs.toFixed(1)} ms`);
  } finally {
    await miniflare.dispose();
  }
}
