/** The Worker of examples/ as `wrangler deploy` would upload it, on the packed package, in Miniflare. */
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Miniflare } from 'miniflare';
import type { Consumer } from '../../consumer.js';
import { dryRun } from '../../wrangler.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const DATE = '2026-04-01';
const WEIGHTS_FILE = 'vanillanet-cifar10.safetensors';

/** Its own type is of packages that are not installed. */
interface Bucket {
  put(key: string, value: Uint8Array): Promise<unknown>;
}

export interface Deployed {
  readonly url: string;
  /** Process of the runtime. */
  readonly pid: number;
  readonly inspector: URL;
  /** Puts the weights into the bucket. */
  readonly upload: () => Promise<void>;
  stop(): Promise<void>;
}

export interface Where {
  /** Where the weights are; in R2 only after `upload`. */
  readonly weights: 'assets' | 'r2';
  readonly variables?: Readonly<Record<string, number>>;
}

/** A folder as its user has it: the example, and beside it what `npm install` brings. @returns that folder */
export async function install({ folder }: Consumer): Promise<string> {
  const example = join(folder, 'cloudflare-worker');
  await cp(here('../../../../examples/cloudflare-worker'), example, {
    recursive: true,
    filter: (path) => !/node_modules|\.wrangler/.test(path),
  });
  await mkdir(join(example, 'node_modules'), { recursive: true });
  await symlink(here('../../node_modules/@jsquash'), join(example, 'node_modules/@jsquash'));
  await symlink(join(folder, 'node_modules/vanillanet'), join(example, 'node_modules/vanillanet'));
  for (const [out, environment] of [
    ['assets', ''],
    ['r2', 'r2'],
  ]) {
    await dryRun(example, out, '--env', environment);
  }
  return example;
}

/** Children of this process that are workerd. */
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

export async function start(example: string, { weights, variables = {} }: Where): Promise<Deployed> {
  const before = await runtimes();
  const out = join(example, weights);
  const miniflare = new Miniflare({
    inspectorPort: 0,
    modules: true,
    modulesRoot: out,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
    scriptPath: join(out, 'index.js'),
    compatibilityDate: DATE,
    bindings: { WEIGHTS_FILE, ...variables },
    ...(weights === 'r2'
      ? { r2Buckets: { WEIGHTS: 'weights' } }
      : {
          assets: {
            directory: join(example, 'node_modules/vanillanet/models'),
            binding: 'ASSETS',
            routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true },
          },
        }),
  });
  const url = (await miniflare.ready).href;
  const [pid] = (await runtimes()).filter((each) => !before.includes(each));
  return {
    url,
    pid,
    inspector: await miniflare.getInspectorURL(),
    upload: async () => {
      const bucket = (await miniflare.getR2Bucket('WEIGHTS')) as unknown as Bucket;
      const path = join(example, 'node_modules/vanillanet/models', WEIGHTS_FILE);
      await bucket.put(WEIGHTS_FILE, Uint8Array.from(await readFile(path)));
    },
    stop: () => miniflare.dispose(),
  };
}
