/** Runs the Worker of examples/ in Miniflare, as `wrangler deploy` would upload it, with the packed package. */
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Miniflare, Response } from 'miniflare';
import type { Consumer } from '../../consumer.js';
import { dryRun } from '../../wrangler.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const DATE = '2026-04-01';
const WEIGHTS_FILE = 'vanillanet-cifar10.safetensors';

/** Its type is in a package that is not installed. */
interface Bucket {
  put(key: string, value: Uint8Array): Promise<unknown>;
}

export interface Deployed {
  readonly url: string;
  /** Process id of the runtime. */
  readonly pid: number;
  readonly inspector: URL;
  /** Puts the weights into the bucket. */
  readonly upload: () => Promise<void>;
  stop(): Promise<void>;
}

export interface StartOptions {
  /**
   * The store of the weights (R2 has them only after `upload`), or a function that each read of the assets waits for.
   */
  readonly weights: 'assets' | 'r2' | (() => Promise<void>);
  readonly variables?: Readonly<Record<string, number>>;
  /** Whether to run a minimal Worker instead of the example. */
  readonly bare?: boolean;
}

/** A Worker that only reads bodies. */
const BARE = `export default {
  async fetch(request) {
    return Response.json({ bytes: (await request.arrayBuffer()).byteLength });
  },
};`;

/** Copies the example and links its installed packages. @returns its folder */
export async function install({ folder }: Consumer): Promise<string> {
  const example = join(folder, 'cloudflare-worker');
  await cp(here('../../../../examples/cloudflare-worker'), example, {
    recursive: true,
    filter: (path) => !/node_modules|\.wrangler/.test(path),
  });
  await mkdir(join(example, 'node_modules'), { recursive: true });
  await symlink(here('../../node_modules/@jsquash'), join(example, 'node_modules/@jsquash'));
  await symlink(join(folder, 'node_modules/vanillanet'), join(example, 'node_modules/vanillanet'));
  await symlink(here('../../node_modules/.bin'), join(example, 'node_modules/.bin'));
  for (const [out, environment] of [
    ['assets', ''],
    ['r2', 'r2'],
  ]) {
    await dryRun(example, out, '--env', environment);
  }
  await mkdir(join(example, 'bare'));
  await writeFile(join(example, 'bare/index.js'), BARE);
  return example;
}

/** Ids of the workerd processes that are children of this process. */
async function runtimes(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const own = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const [, name, parent] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
      return name === 'workerd' && Number(parent) === process.pid;
    }),
  );
  return pids.filter((_, i) => own[i]).map(Number);
}

/** Miniflare's options for the store of the weights. */
function sourceOf(weights: StartOptions['weights'], directory: string): object {
  if (weights === 'r2') return { r2Buckets: { WEIGHTS: 'weights' } };
  if (weights === 'assets') {
    const routerConfig = { invoke_user_worker_ahead_of_assets: true, has_user_worker: true };
    return { assets: { directory, binding: 'ASSETS', routerConfig } };
  }
  const ASSETS = async (): Promise<Response> => {
    await weights();
    return new Response(Uint8Array.from(await readFile(join(directory, WEIGHTS_FILE))));
  };
  return { serviceBindings: { ASSETS } };
}

export async function start(
  example: string,
  { weights, variables = {}, bare = false }: StartOptions,
): Promise<Deployed> {
  const before = await runtimes();
  const out = join(example, bare ? 'bare' : weights === 'r2' ? 'r2' : 'assets');
  const models = join(example, 'node_modules/vanillanet/models');
  const miniflare = new Miniflare({
    inspectorPort: 0,
    modules: true,
    modulesRoot: out,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    scriptPath: join(out, 'index.js'),
    compatibilityDate: DATE,
    bindings: { WEIGHTS_FILE, ...variables },
    ...sourceOf(weights, models),
  });
  const url = (await miniflare.ready).href;
  const [pid] = (await runtimes()).filter((each) => !before.includes(each));
  return {
    url,
    pid,
    inspector: await miniflare.getInspectorURL(),
    upload: async () => {
      const bucket = (await miniflare.getR2Bucket('WEIGHTS')) as unknown as Bucket;
      await bucket.put(WEIGHTS_FILE, Uint8Array.from(await readFile(join(models, WEIGHTS_FILE))));
    },
    stop: () => miniflare.dispose(),
  };
}
