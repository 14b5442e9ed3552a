/** `eval --csv` that is killed at random moments, and continued: the same file and scores as without. */
import { beforeAll, expect } from '@jest/globals';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { resolveConfig } from '../../src/core/config.js';
import { uniform } from '../../src/core/philox.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { posixTest } from '../platform.js';
import { answered, outcomeOf, PATIENCE, start } from './commandLine.js';

const IMAGES = 200;
const CLASSES = 5;
const ROUNDS = 2;
/** How often an evaluation is killed before it may end. */
const KILLS = 4;
const path = temporaryFolder();
const onPosix = posixTest('signals');

beforeAll(async () => {
  const config = resolveConfig(drawnConfig('deploy', { num_classes: CLASSES, input_size: [64, 64] }));
  await writeWeights(path('net.safetensors'), drawnState(config), config);
  for (let i = 0; i < IMAGES; i++) {
    const folder = path('set', `class ${i % CLASSES}`);
    await mkdir(folder, { recursive: true });
    const data = Uint8Array.from({ length: 3 * 70 * 90 }, (_, j) => (j * j * 31 + 7 * j * i) % 256);
    await sharp(data, { raw: { width: 70, height: 90, channels: 3 } })
      .png()
      .toFile(`${folder}/${i}.png`);
  }
}, PATIENCE);

const sizeOf = async (file: string): Promise<number> => (await stat(path(file)).catch(() => null))?.size ?? -1;

const args = (file: string, ...more: string[]): string[] => [
  ...['eval', '-w', 'net.safetensors', '-d', 'set', '-b', '7', '--build', 'plain', '--threads', '1', '--csv', file],
  ...more,
];

onPosix(
  'a killed evaluation ends as one that was not',
  async () => {
    const { images_per_second: _, ...whole } = (await answered(args('whole.csv'), path())) as Record<string, unknown>;
    const bytes = await readFile(path('whole.csv'));
    let kills = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await rm(path('killed.csv'), { force: true });
      for (let i = 0; i < KILLS; i++) {
        const size = await sizeOf('killed.csv');
        const child = start(args('killed.csv', '--resume', '--json'), path());
        const ended = outcomeOf(child);
        // Until it has written something more, and then for a random time.
        while ((await sizeOf('killed.csv')) <= size && child.exitCode === null) await setTimeout(5);
        await setTimeout(100 * uniform(3, round, i));
        if (child.exitCode === null && child.kill('SIGKILL')) kills++;
        await ended;
      }
      const { images_per_second: __, ...scores } = (await answered(args('killed.csv', '--resume'), path())) as Record<
        string,
        unknown
      >;
      expect(scores).toEqual(whole);
      expect(await readFile(path('killed.csv'))).toEqual(bytes);
    }
    expect(kills).toBeGreaterThan(ROUNDS);
    const left = (await readdir(path())).filter((name) => name.includes('lock') || name.endsWith('.tmp'));
    expect(left).toEqual([]);
  },
  PATIENCE,
);

onPosix(
  'a full disk ends it, and it continues when there is space',
  async () => {
    const whole = await readFile(path('whole.csv'));
    const { status, stderr } = await outcomeOf(start(args('full.csv'), path(), { fileSize: 8 }));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ParamError: full\.csv: expected a file to write, got /);
    const part = await readFile(path('full.csv'));
    // Whole batches only.
    expect(whole.subarray(0, part.length)).toEqual(part);
    expect(part.at(-1)).toBe(10);
    expect(part.length).toBeLessThanOrEqual(8 * 1024);
    await answered(args('full.csv', '--resume'), path());
    expect(await readFile(path('full.csv'))).toEqual(whole);
  },
  PATIENCE,
);

onPosix(
  'two processes do not write one file',
  async () => {
    const outcomes = await Promise.all(
      [1, 2].map(() => outcomeOf(start(args('both.csv', '--resume', '--json'), path()))),
    );
    expect(outcomes.map(({ status }) => status)).toContain(0);
    for (const { status, stderr } of outcomes) {
      if (status !== 0) expect(stderr).toContain('no other process that writes these predictions');
    }
    expect(await readFile(path('both.csv'))).toEqual(await readFile(path('whole.csv')));
  },
  PATIENCE,
);
