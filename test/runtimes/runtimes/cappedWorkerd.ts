/**
 * Runs workerd directly, with WebAssembly limited to 128 MB, like an isolate on Cloudflare. Networks are loaded and run
 * there, while memory and processor time of the process are measured from outside.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import { resolveConfig, type ModelConfig } from '../../../src/core/config.js';
import { parameterShapes } from '../../../src/core/parameters.js';
import { sizeOf } from '../../../src/core/tensor.js';
import { writeConfig } from '../../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../../src/io/safetensors.js';
import type { Consumer } from '../consumer.js';
import { memoryOf } from '../processMemory.js';
import type { Finding } from '../report.js';
import { freePort } from '../examples/freePort.js';
import { deploy } from './workerd.js';

const WORKERD = fileURLToPath(new URL('../node_modules/@cloudflare/workerd-linux-64/bin/workerd', import.meta.url));
/** Pages of 64 KiB: 128 MiB. */
const MAX_PAGES = 2048;
/** Largest peak of resident memory, in bytes above the start, for loading and running VanillaNet-5. */
const MAX_GROWTH = 100e6;
/** Processor time of a request on cheap plans. Decoding and scaling an image are not included in the measurement. */
const MAX_CPU_MS = 50;
/** Clock ticks per second in /proc. */
const TICKS = 100;

/** Weights of unit gain. Their predictions have no meaning; only whether they are finite is checked. */
function unitGainWeights(config: ModelConfig): Uint8Array {
  const tensors = new Map(
    [...parameterShapes(config)].map(([name, shape]) => {
      const width = 1 / Math.sqrt(sizeOf(shape.slice(1)));
      return [name, { data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => width * Math.sin(i)), shape }];
    }),
  );
  return encodeSafetensors(tensors, { metadata: writeConfig(config), dtype: 'float16' });
}

async function configuration(folder: string, port: number): Promise<string> {
  const names = await readdir(folder);
  const modules = names.flatMap((name) => {
    if (name.endsWith('.js')) return [`(name = "${name}", esModule = embed "${name}")`];
    return name.endsWith('.wasm') ? [`(name = "./${name}", wasm = embed "${name}")`] : [];
  });
  // The first module is the one that runs.
  modules.sort((a) => (a.includes('capped.js') ? -1 : 1));
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--wasm-max-mem-pages=${MAX_PAGES}"],
  services = [
    (name = "main", worker = (
      modules = [${modules.join(', ')}],
      compatibilityDate = "2026-04-01",
      bindings = [(name = "WEIGHTS", service = "disk")],
    )),
    (name = "disk", disk = (path = "${folder}/weights")),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;
}

interface Usage {
  /** Resident bytes now, and their peak so far. */
  readonly resident: number;
  readonly peak: number;
  /** Milliseconds of processor time so far. */
  readonly cpuMs: number;
}

async function usageOf({ pid }: ChildProcess): Promise<Usage> {
  // After the name, which may contain spaces, user and system time are the 12th and 13th field.
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return {
    resident: await memoryOf(pid, 'VmRSS'),
    peak: await memoryOf(pid, 'VmHWM'),
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS,
  };
}

async function inWorkerd<T>(
  { folder }: Consumer,
  weights: Uint8Array,
  use: (ask: (path: string) => Promise<unknown>, child: ChildProcess) => Promise<T>,
): Promise<T> {
  const out = await deploy(folder, 'capped');
  await mkdir(join(out, 'weights'), { recursive: true });
  await writeFile(join(out, 'weights/net.safetensors'), weights);
  const port = await freePort();
  await writeFile(join(out, 'config.capnp'), await configuration(out, port));
  const child = spawn(WORKERD, ['serve', 'config.capnp'], { cwd: out, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    if (!response.ok) throw new Error(`${path}: status ${response.status}: ${output}`);
    return response.json();
  };
  try {
    for (let tries = 0; (await ask('/ready').catch(() => null)) === null; tries++) {
      if (tries === 200 || child.exitCode !== null) throw new Error(`workerd does not listen: ${output}`);
      await setTimeout(50);
    }
    return await use(ask, child);
  } finally {
    child.kill();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

export async function vanillanet5(consumer: Consumer): Promise<Finding> {
  const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy' });
  return inWorkerd(consumer, unitGainWeights(config), async (ask, child) => {
    const before = await usageOf(child);
    const memory = (await ask('/load')) as number;
    const [best] = (await ask('/classify')) as [{ probability: number }];
    // The peak, because a memory limit applies to it.
    const growth = (await usageOf(child)).peak - before.resident;
    const note =
      `VanillaNet-5 in float16: ${megabytes(memory)} of WebAssembly, ` +
      `process grew by at most ${megabytes(growth)} until the answer`;
    if (!Number.isFinite(best.probability)) return `${note}, but its answer is not a number`;
    return growth < MAX_GROWTH ? [note] : `${note}; expected less than ${megabytes(MAX_GROWTH)}`;
  });
}

export async function narrow(consumer: Consumer): Promise<Finding> {
  const weights = await readFile(join(consumer.folder, 'net.safetensors'));
  return inWorkerd(consumer, weights, async (ask, child) => {
    const before = await usageOf(child);
    await ask('/load');
    // The first image is slower, and counts: a new isolate serves it.
    const start = await usageOf(child);
    await ask('/classify');
    const first = await usageOf(child);
    const images = 100;
    for (let i = 0; i < images; i++) await ask('/classify');
    const each = ((await usageOf(child)).cpuMs - first.cpuMs) / images;
    const cold = first.cpuMs - start.cpuMs;
    // The first request loads the network and classifies.
    const loading = start.cpuMs - before.cpuMs;
    const note =
      `the network for CIFAR-10, on pixels of its input size: ${loading.toFixed(0)} ms of processor time to load, ` +
      `${cold.toFixed(0)} ms for the first image, ${each.toFixed(1)} ms for each of ${images} further images`;
    return Math.max(loading + cold, each) <= MAX_CPU_MS ? [note] : `${note}; expected at most ${MAX_CPU_MS} ms`;
  });
}
