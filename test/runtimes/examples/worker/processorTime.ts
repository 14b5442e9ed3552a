/** Processor time of complete requests: body, decoding, scaling, network. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { photograph } from '../hostile.js';
import { ask, post } from './ask.js';
import type { Deployed } from './deployed.js';

/** Largest time in milliseconds for an image after the first of an isolate. Cheap plans allow 10 or 50. */
const MAX_MS = 50;
const IMAGES = 100;

interface Milliseconds {
  /** Time of the Worker's thread, and of all threads, which include V8's compiler threads. */
  readonly own: number;
  readonly all: number;
}

async function timeOf({ pid }: Deployed): Promise<Milliseconds> {
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
  const before = await timeOf(deployed);
  await act();
  const after = await timeOf(deployed);
  return { own: after.own - before.own, all: after.all - before.all };
}

const describeTime = ({ own, all }: Milliseconds): string =>
  `${own.toFixed(0)} ms (${all.toFixed(0)} including V8's compiler threads)`;

/** @param deploy starts a new isolate for each format, so that its first image includes loading and compilation */
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
        `processor time for a ${format} of ${width} x ${height}: ${describeTime(first)} for the first of an isolate, including weights; ` +
        `${each.toFixed(1)} ms for each of ${IMAGES} further images`;
      assert.ok(each <= MAX_MS, `${note}; expected at most ${MAX_MS} ms`);
      notes.push(note);
    } finally {
      await deployed.stop();
    }
  }
  return notes;
}
