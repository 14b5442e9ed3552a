/** Many requests at a time, good and bad: every one has its answer, and nothing of it stays in memory. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Consumer } from '../../consumer.js';
import { post } from './ask.js';
import type { Deployed } from './deployed.js';
import { openHeap } from './heap.js';
import { DEPTH } from './places.js';

const [WARM, REQUESTS, CLIENTS] = [500, 2000, 32];

interface Kind {
  readonly image: Buffer;
  readonly status: number;
}

/** What comes in turn: three formats, and each of them truncated. All is of the photograph's size. */
async function kinds({ photograph: { data, width, height } }: Consumer): Promise<readonly Kind[]> {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const good = await Promise.all([
    image.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    image.clone().png({ compressionLevel: 1 }).toBuffer(),
    image.clone().webp({ quality: 50, effort: 0 }).toBuffer(),
  ]);
  const bad = good.map((each) => each.subarray(0, each.length - 1000));
  return [
    ...[good[0], good[1], good[2], good[0], good[0]].map((each) => ({ image: each, status: 200 })),
    ...bad.map((each) => ({ image: each, status: 400 })),
    { image: Buffer.from('no image'), status: 415 },
    { image: Buffer.alloc(0), status: 400 },
  ];
}

/** Resident bytes of a process. */
async function resident(pid: number): Promise<number> {
  const [, kib] = /VmRSS:\s*(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return 1024 * Number(kib);
}

interface Run {
  /** Largest resident size seen. */
  readonly peak: number;
  /** How often a client was told to come again. */
  readonly again: number;
}

/** Requests from clients that each wait for their answer, and come again where they are told to. */
async function load({ url, pid }: Deployed, all: readonly Kind[], requests: number, clients: number): Promise<Run> {
  const first = new Map<Kind, string>();
  let [next, again, answered, peak] = [0, 0, 0, 0];
  const client = async (): Promise<void> => {
    while (next < requests) {
      const number = next++;
      const kind = all[number % all.length];
      for (;;) {
        const { status, headers, text } = await post(url, kind.image);
        if (status === 503) {
          assert.equal(headers.get('Retry-After'), '1');
          again++;
          await new Promise((resolve) => setTimeout(resolve, 5));
          continue;
        }
        assert.equal(status, kind.status, text);
        // Nobody is given another's answer, nor one of pixels that others wrote over.
        assert.equal(text, first.get(kind) ?? text);
        first.set(kind, text);
        break;
      }
      answered++;
      if (number % 20 === 0) peak = Math.max(peak, await resident(pid));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  assert.equal(answered, requests);
  return { peak, again };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

export async function checkLoad(deployed: Deployed, consumer: Consumer): Promise<string[]> {
  const all = await kinds(consumer);
  const { width, height } = consumer.photograph;
  const heap = await openHeap(deployed);
  // As many as there are places: none is sent away.
  const warm = await load(deployed, all, WARM, DEPTH);
  assert.equal(warm.again, 0, `503 with ${DEPTH} clients`);

  const half = REQUESTS / 2;
  const one = await load(deployed, all, half, CLIENTS);
  const before = await heap.held();
  const two = await load(deployed, all, half, CLIENTS);
  const after = await heap.held();
  heap.close();
  assert.ok(one.again + two.again > 0, `no 503 with ${CLIENTS} clients`);
  // A request that is kept is more than this.
  assert.ok(after - before < 1024 * half, `the Worker holds ${after - before} bytes more after ${half} requests`);
  // What V8 does not count, as memories of WebAssembly: a tenth of the requests are PNGs that break off, and a
  // decoder that lived on would keep at least their pixels.
  const growth = two.peak - one.peak;
  const kept = (half / all.length) * 4 * width * height;
  assert.ok(growth < kept, `resident memory grew by ${mebibytes(growth)} from one half to the other`);
  return [
    `${REQUESTS} requests at ${CLIENTS} at a time, all answered; 503 before it ${one.again + two.again} times, ` +
      `none at ${DEPTH} at a time`,
    `holds ${mebibytes(before)} after the first half, ${after - before} bytes more after the second`,
    `resident at most ${mebibytes(warm.peak)} in ${WARM} to warm up, ${mebibytes(one.peak)} in the first half, ` +
      `${mebibytes(two.peak)} in the second`,
  ];
}
