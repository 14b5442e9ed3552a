/** Processor time that whole requests take: the body, decoding, scaling, the network. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { photograph } from '../hostile.js';
import { ask, post } from './ask.js';
import type { Deployed } from './deployed.js';

/** Milliseconds for an image that is not an isolate's first; cheap plans give 10 or 50. */
const MOST = 50;
const IMAGES = 100;

interface Milliseconds {
  /** Of the thread that runs the Worker, and of all with V8's own, which compile meanwhile. */
  readonly own: number;
  readonly all: number;
}

async function spent({ pid }: Deployed): Promise<Milliseconds> {
  const threads = await readdir(`/proc/${pid}/task`);
  const each = await Promise.all(
    threads.map(async (thread) => {
      const [nanoseconds] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ');
      return { isOwn: thread === `${pid}`, milliseconds: Number(nanoseconds) / 1e6 };
    }),
  );
  const sum = (of: typeof each): number => of.reduce((total, { milliseconds }) => total + milliseconds, 0);
  return { own: sum(each.filter(({ isOwn }) => isOwn)), all: sum(each) };
}

async function during(deployed: Deployed, act: () => Promise<unknown>): Promise<Milliseconds> {
  const before = await spent(deployed);
  await act();
  const after = await spent(deployed);
  return { own: after.own - before.own, all: after.all - before.all };
}

const said = ({ own, all }: Milliseconds): string =>
  `${own.toFixed(0)} ms (${all.toFixed(0)} with what V8 compiles beside)`;

/** @param deploy a new isolate for each format: its first image finds nothing loaded and nothing compiled */
export async function checkProcessorTime(deploy: () => Promise<Deployed>): Promise<string[]> {
  const png = await photograph();
  const { width, height } = await sharp(png).metadata();
  const formats = { PNG: png, JPEG: await sharp(png).jpeg({ quality: 90 }).toBuffer() };
  const notes: string[] = [];
  for (const [format, image] of Object.entries(formats)) {
    const deployed = await deploy();
    try {
      const send = async (): Promise<void> => {
        assert.equal((await post(deployed.url, image)).status, 200);
      };
      await ask(deployed.url);
      const first = await during(deployed, send);
      const later = await during(deployed, async () => {
        for (let i = 0; i < IMAGES; i++) await send();
      });
      const each = later.all / IMAGES;
      const note =
        `processor time for a ${format} of ${width} x ${height}: ${said(first)} for an isolate's first, weights and all; ` +
        `${each.toFixed(1)} ms for each of ${IMAGES} more`;
      assert.ok(each <= MOST, `${note}; expected at most ${MOST} ms`);
      notes.push(note);
    } finally {
      await deployed.stop();
    }
  }
  return notes;
}
