/** Many concurrent valid and invalid requests: each has the right answer, and memory does not grow. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import type { Consumer } from '../../consumer.js';
import { memoryOf } from '../../processMemory.js';
import { post } from './ask.js';
import type { Deployed } from './deployed.js';
import { openHeap } from './heap.js';
import { DEPTH } from './places.js';

const [WARM, CLIENTS] = [1000, 32];
/** The bounds grow with the number of requests, noise does not: with half as many, noise could reach the bounds. */
const MIN_REQUESTS = 8000;
/** `npm run test:load` sets a larger number. */
const REQUESTS = Number(process.env['VANILLANET_REQUESTS'] ?? MIN_REQUESTS);

const LIMITS = {
  /** Bytes of heap per request. Repeated runs differ by 0.6 MB in total. */
  heapBytes: 128,
  /**
   * Address space of eight memories with 2 GiB each, because decoders come and go. Every third request discards one.
   */
  addresses: 16 * 2 ** 30,
  /** Other bytes per request: five times the spread of repeated runs, which is about 10 MB for 8,000 requests. */
  own: 6144,
};

interface Kind {
  readonly image: Buffer;
  readonly status: number;
}

/** The requests, in rotation: the photograph in three formats, truncated files, and invalid bodies. */
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

interface Memory {
  /** Resident bytes. */
  readonly resident: number;
  /** Bytes of address space. Each WebAssembly memory reserves a few GiB. */
  readonly addresses: number;
}

/**
 * Sends requests from several clients, each of which repeats a request after a 503. @returns the number of repetitions
 */
async function load({ url }: Deployed, all: readonly Kind[], requests: number, clients: number): Promise<number> {
  const first = new Map<Kind, string>();
  let [next, retries, completed] = [0, 0, 0];
  const client = async (): Promise<void> => {
    while (next < requests) {
      const kind = all[next++ % all.length];
      for (;;) {
        const { status, headers, text } = await post(url, kind.image);
        if (status === 503) {
          assert.equal(headers.get('Retry-After'), '1');
          retries++;
          await new Promise((resolve) => setTimeout(resolve, 5));
          continue;
        }
        assert.equal(status, kind.status, text);
        // Every client has its own answer, computed from its own pixels.
        assert.equal(text, first.get(kind) ?? text);
        first.set(kind, text);
        break;
      }
      completed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  assert.equal(completed, requests);
  return retries;
}

interface Growth extends Memory {
  /** Bytes of heap. */
  readonly heapBytes: number;
  readonly retries: number;
}

/** The growth over `REQUESTS` requests, after a warm-up and a garbage collection. */
async function growthOf(deployed: Deployed, all: readonly Kind[]): Promise<Growth> {
  const heap = await openHeap(deployed);
  const atRest = async (): Promise<Memory & { readonly heapBytes: number }> => {
    const heapBytes = await heap.usedBytes();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return {
      resident: await memoryOf(deployed.pid, 'VmRSS'),
      addresses: await memoryOf(deployed.pid, 'VmSize'),
      heapBytes,
    };
  };
  // With as many clients as places, no request gets a 503.
  assert.equal(await load(deployed, all, WARM, DEPTH), 0, `503 with ${DEPTH} clients`);
  // Warm-up with the number of clients of the measurement, whose bodies need more memory.
  await load(deployed, all, WARM, CLIENTS);
  const before = await atRest();
  const retries = await load(deployed, all, REQUESTS, CLIENTS);
  const after = await atRest();
  heap.close();
  return {
    resident: after.resident - before.resident,
    addresses: after.addresses - before.addresses,
    heapBytes: after.heapBytes - before.heapBytes,
    retries,
  };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** @param bare a Worker that only reads bodies */
export async function checkLoad(deployed: Deployed, bare: Deployed, consumer: Consumer): Promise<string[]> {
  assert.ok(REQUESTS >= MIN_REQUESTS, `VANILLANET_REQUESTS: expected ${MIN_REQUESTS} or more, got ${REQUESTS}`);
  const all = await kinds(consumer);
  const { heapBytes, addresses, resident, retries } = await growthOf(deployed, all);
  const bareGrowth = await growthOf(
    bare,
    all.map(({ image }) => ({ image, status: 200 })),
  );
  // workerd itself grows by 7 KiB per request and sometimes shrinks: only the difference counts.
  const own = resident - bareGrowth.resident;
  assert.ok(heapBytes < LIMITS.heapBytes * REQUESTS, `the heap grew by ${heapBytes} bytes after ${REQUESTS} requests`);
  assert.ok(
    addresses < LIMITS.addresses,
    `WebAssembly memories leak: the address space grew by ${mebibytes(addresses)}`,
  );
  assert.ok(own < LIMITS.own * REQUESTS, `resident memory grew by ${mebibytes(own)} more than a bare Worker's`);
  return [
    `${REQUESTS} requests from ${CLIENTS} clients, all answered after ${retries} retries; no retries with ${DEPTH} clients`,
    `growth after garbage collection: heap ${heapBytes} bytes, address space ${mebibytes(addresses)}, resident ` +
      `${mebibytes(resident)} (${mebibytes(bareGrowth.resident)} for a Worker that only reads bodies)`,
  ];
}
