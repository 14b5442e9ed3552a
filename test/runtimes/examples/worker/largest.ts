/** The largest accepted images of all formats, from more clients than the queue has places. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { memoryOf } from '../../processMemory.js';
import { photograph } from '../hostile.js';
import { post } from './ask.js';
import type { Deployed } from './deployed.js';

const [WIDTH, HEIGHT] = [2048, 1024];
const MAX_BYTES = 4 * 2 ** 20;
const [CLIENTS, EACH] = [16, 4];
/** Largest peak growth of the process in mebibytes: live data, and garbage that V8 has not collected yet. */
const MAX_GROWTH_MIB = 170;

/** Encodes with the highest quality whose file is small enough. */
async function encodeWithinLimit(encode: (quality: number) => Promise<Buffer>): Promise<Buffer> {
  for (let quality = 95; ; quality -= 5) {
    const image = await encode(quality);
    if (image.length <= MAX_BYTES) return image;
  }
}

async function images(): Promise<readonly Buffer[]> {
  const noise = { type: 'gaussian', mean: 128, sigma: 50 } as const;
  const base = sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#888', noise } });
  return [
    await encodeWithinLimit((quality) =>
      base
        .clone()
        .jpeg({ quality, progressive: true, chromaSubsampling: '4:4:4' })
        .withMetadata({ orientation: 6 })
        .toBuffer(),
    ),
    await encodeWithinLimit((quality) => base.clone().webp({ quality }).toBuffer()),
    await base.clone().blur(6).png().toBuffer(),
  ];
}

export async function checkLargest(deployed: Deployed): Promise<string> {
  const all = await images();
  assert.equal((await post(deployed.url, await photograph())).status, 200);
  const before = await memoryOf(deployed.pid, 'VmRSS');
  const answers = new Map<number, number>();
  const client = async (_: unknown, own: number): Promise<void> => {
    for (let i = 0; i < EACH; i++) {
      const { status } = await post(deployed.url, all[(own + i) % all.length]);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const { size } = answers;
  assert.ok(
    size === 1 ? answers.has(200) : size === 2 && answers.has(200) && answers.has(503),
    [...answers].join('; '),
  );
  const growth = ((await memoryOf(deployed.pid, 'VmHWM')) - before) / 2 ** 20;
  const note = `${CLIENTS} clients with the largest images: the process grew by at most ${growth.toFixed(0)} MiB`;
  assert.ok(growth <= MAX_GROWTH_MIB, `${note}; expected at most ${MAX_GROWTH_MIB} MiB`);
  return note;
}
