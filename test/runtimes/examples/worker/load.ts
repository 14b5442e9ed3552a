/** Many requests at a time, good and bad: every one has its answer, and nothing of it stays in memory. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import type { Consumer } from '../../consumer.js';
import { memoryOf } from '../../processMemory.js';
import { post } from './ask.js';
import type { Deployed } from './deployed.js';
import { openHeap } from './heap.js';
import { DEPTH } from './places.js';

const [WARM, CLIENTS] = [1000, 32];
/** Bounds are by the request and noise is not: with half of them it would reach the bounds. */
const LEAST = 8000;
/** `npm run test:load` wants more. */
const REQUESTS = Number(process.env['VANILLANET_REQUESTS'] ?? LEAST);

const MOST = {
  /** Bytes a request of what V8 counts, which in equal runs differs by 0.6 MB in all. */
  held: 128,
  /** Of eight memories, of 2 GiB each: a decoder may be there or not. Every third request throws one away. */
  addresses: 16 * 2 ** 30,
  /** Bytes a request of anything else. Equal runs of 8,000 spread by some 10 MB, 1.2 KB a request: five times that. */
  own: 6144,
};

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

interface Memory {
  /** Bytes in memory. */
  readonly resident: number;
  /** Addresses: each memory of WebAssembly has some GiB of them, however little it uses. */
  readonly addresses: number;
}

/** Requests from clients that each wait for their answer, and come again where they are told to. @returns how often */
async function load({ url }: Deployed, all: readonly Kind[], requests: number, clients: number): Promise<number> {
  const first = new Map<Kind, string>();
  let [next, again, answered] = [0, 0, 0];
  const client = async (): Promise<void> => {
    while (next < requests) {
      const kind = all[next++ % all.length];
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
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  assert.equal(answered, requests);
  return again;
}

interface Growth extends Memory {
  /** Of what V8 counts. */
  readonly held: number;
  readonly again: number;
}

/** The growth over `REQUESTS` requests, after a warm-up and a garbage collection. */
async function growthOf(deployed: Deployed, all: readonly Kind[]): Promise<Growth> {
  const heap = await openHeap(deployed);
  const atRest = async (): Promise<Memory & { readonly held: number }> => {
    const held = await heap.held();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return { resident: await memoryOf(deployed.pid, 'VmRSS'), addresses: await memoryOf(deployed.pid, 'VmSize'), held };
  };
  // As many as there are places: none is sent away.
  assert.equal(await load(deployed, all, WARM, DEPTH), 0, `503 with ${DEPTH} clients`);
  // And as many as there will be: so many bodies at a time want room.
  await load(deployed, all, WARM, CLIENTS);
  const before = await atRest();
  const again = await load(deployed, all, REQUESTS, CLIENTS);
  const after = await atRest();
  heap.close();
  return {
    resident: after.resident - before.resident,
    addresses: after.addresses - before.addresses,
    held: after.held - before.held,
    again,
  };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** @param bare a Worker that reads bodies and does nothing with them */
export async function checkLoad(deployed: Deployed, bare: Deployed, consumer: Consumer): Promise<string[]> {
  assert.ok(REQUESTS >= LEAST, `VANILLANET_REQUESTS: expected ${LEAST} or more, got ${REQUESTS}`);
  const all = await kinds(consumer);
  const { held, addresses, resident, again } = await growthOf(deployed, all);
  const without = await growthOf(
    bare,
    all.map(({ image }) => ({ image, status: 200 })),
  );
  // workerd itself grows by 7 KiB a request, and shrinks at times: ours is what is more than that.
  const own = resident - without.resident;
  assert.ok(held < MOST.held * REQUESTS, `the Worker holds ${held} bytes more after ${REQUESTS} requests`);
  assert.ok(addresses < MOST.addresses, `memories of WebAssembly are kept: ${mebibytes(addresses)} of addresses more`);
  assert.ok(own < MOST.own * REQUESTS, `resident memory grew by ${mebibytes(own)} more than a bare Worker's`);
  return [
    `${REQUESTS} requests at ${CLIENTS} at a time, all answered; 503 before it ${again} times, none at ${DEPTH} at a time`,
    `after them and a collection of garbage the Worker holds ${held} bytes more, in ${mebibytes(addresses)} of ` +
      `addresses more; resident ${mebibytes(resident)} more, a Worker that only reads bodies ${mebibytes(without.resident)}`,
  ];
}
