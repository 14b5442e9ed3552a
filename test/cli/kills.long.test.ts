/**
 * Trainings that are killed, that are stopped, and whose disk is full, at random moments: resumed from their folder, they come
 * to the weights of an undisturbed run, bit for bit, and their records have each step once.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { uniform } from '../../src/core/philox.js';
import { readMetrics } from '../../src/report/record.js';
import { resultsCsv } from '../../src/report/resultsCsv.js';
import { recordEvent } from '../../src/report/tensorboard.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';
import { outcomeOf, PATIENCE, printed, start, type Limits, type Outcome } from './commandLine.js';

/** How often a run is disturbed in each way; more often in `npm run test:kills`. */
const ROUNDS = Number(process.env['VANILLANET_KILLS'] ?? 1);
const EPOCHS = 20;
/** Milliseconds in which a run is disturbed, after its start or after its first output. A run takes about as long. */
const SPAN = 700;

const path = temporaryFolder();

/** All kinds of state: moments, averaged weights, dropout, mixing, augmentation. A checkpoint after each step. */
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--size', '8', '--dims', '4,6', '--strides', '1', '--val-limit', '10'],
  ...['--limit', '40', '--batch-size', '4', '--optimizer', 'lamb', '--ema', '0.9', '--mixup', '0.2'],
  ...['--random-crop', '1', '--flip', '0.5', '--drop-rate', '0.1', '--build', 'plain', '--epochs', `${EPOCHS}`],
  ...['--output', output, '--checkpoint-every', '0', '--tensorboard', '--json', ...more],
];

let whole: Buffer;
beforeAll(async () => {
  await printed(train('whole', '--threads', '1', '--workers', '0'), path());
  whole = await readFile(path('whole', 'last.safetensors'));
}, PATIENCE);

/** Random numbers that the round determines. */
const draw = (round: number, stream: number): number => uniform(7, stream, round);

/** The arguments that continue a run: its folder alone, once that has something to continue. */
async function nextArgs(output: string): Promise<string[]> {
  const names = await readdir(output).catch((): string[] => []);
  const hasRun = names.some((name) => name === 'config.json' || name.startsWith('checkpoint-'));
  return hasRun ? ['train', '--resume', output, '--json'] : train(output, '--threads', '2');
}

/** The run has ended as the undisturbed one, and each of its records is in all files once. */
async function expectWhole(output: string): Promise<void> {
  const names = await readdir(output);
  expect(await readFile(`${output}/last.safetensors`)).toEqual(whole);
  const records = await readMetrics(`${output}/metrics.jsonl`);
  const lines = (await readFile(`${output}/metrics.jsonl`, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(EPOCHS * 11);
  expect(records.map(({ kind, global_step }) => `${kind} ${global_step}`)).toEqual(
    Array.from({ length: EPOCHS * 10 }, (_, i) => [
      `step ${i + 1}`,
      ...(i % 10 === 9 ? [`epoch ${i + 1}`] : []),
    ]).flat(),
  );
  expect(await readFile(`${output}/results.csv`, 'utf8')).toBe(resultsCsv(records));
  const events = names.filter((name) => name.includes('tfevents'));
  expect(events).toHaveLength(1);
  const bytes = await readFile(`${output}/${events[0]}`);
  const scalars = Buffer.concat(records.map(recordEvent));
  // Before them is the record of the version, whose time is not known.
  expect(bytes.subarray(-scalars.length)).toEqual(scalars);
  expect(bytes).toHaveLength(scalars.length + 12 + 24 + 4);
  expect(names.filter((name) => name.endsWith('.tmp') || name === 'lock')).toEqual([]);
}

/** Waits for the first output of a run, and then for a random time; or for a random time from the start. */
async function randomMoment(round: number, output: Promise<unknown>): Promise<void> {
  if (draw(round, 1) > 0.25) await output;
  await setTimeout(SPAN * draw(round, 2));
}

test(
  `a run that is killed comes to the same weights and records, rounds: ${ROUNDS}`,
  async () => {
    let kills = 0;
    for (let run = 0; kills < ROUNDS; run++) {
      const output = path(`killed-${run}`);
      for (;;) {
        const child = start(await nextArgs(output), path());
        const ended = outcomeOf(child);
        if (kills < ROUNDS) {
          void randomMoment(kills, once(child.stdout, 'data')).then(() => child.kill('SIGKILL'));
        }
        const { status, stderr } = await ended;
        expect(stderr).toBe('');
        if (status === 0) break;
        expect(status).toBeNull();
        kills++;
      }
      await expectWhole(output);
    }
    if (ROUNDS > 2) process.stdout.write(`${kills} kills\n`);
  },
  (ROUNDS + 1) * PATIENCE,
);

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

posixTest('signals')(
  `a run that is stopped comes to the same weights and records, rounds: ${ROUNDS}`,
  async () => {
    let stops = 0;
    for (let run = 0; stops < ROUNDS; run++) {
      const output = path(`stopped-${run}`);
      for (;;) {
        // Checkpoints are written at the end of an epoch, and because of the signal.
        const child = start([...(await nextArgs(output)), '--checkpoint-every', '300'], path());
        const ended = outcomeOf(child);
        const signal = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)[stops % 3];
        if (stops < ROUNDS) {
          void randomMoment(stops, once(child.stdout, 'data')).then(() => {
            child.kill(signal);
            // As npm, which passes on what the terminal has sent to both.
            if (draw(stops, 5) > 0.5) child.kill(signal);
          });
        }
        const { status, stderr } = await ended;
        expect(stderr).toBe('');
        if (status === 0) break;
        // Before the training has begun, the signal ends the process.
        expect(status === null ? child.signalCode : status).toBe(status === null ? signal : SIGNALS[signal]);
        const names = await readdir(output).catch((): string[] => []);
        expect(names.filter((name) => name.endsWith('.tmp') || name === 'lock')).toEqual([]);
        stops++;
      }
      await expectWhole(output);
    }
    if (ROUNDS > 2) process.stdout.write(`${stops} signals\n`);
  },
  (ROUNDS + 1) * PATIENCE,
);

/** A small file system of its own, which only root can mount; null without it. */
let disk: string | null = null;

async function mountDisk(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  await mkdir(path('disk'));
  const mount = promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path('disk')]);
  disk = await mount.then(
    () => path('disk'),
    () => null,
  );
}

async function unmountDisk(): Promise<void> {
  if (disk !== null) await promisify(execFile)('umount', [disk]);
}

/** Fills a disk but for some bytes; returns a function that makes room again. */
async function fill(folder: string, free: number): Promise<() => Promise<void>> {
  const file = await open(`${folder}/filler`, 'w');
  try {
    await writeUntilFull(file);
    const { size } = await file.stat();
    await file.truncate(Math.max(0, size - free));
  } finally {
    await file.close();
  }
  return () => rm(`${folder}/filler`);
}

async function writeUntilFull(file: FileHandle): Promise<void> {
  for (const block of [65_536, 4096]) {
    try {
      for (;;) await file.write(Buffer.alloc(block));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
}

/** What is full: the disk of the run and of its log, that of the log alone, or a file at its size limit. */
type Kind = 'disk' | 'log' | 'file size';

/** Resolves when a file has content. */
async function hasContent(file: string, isOver: () => boolean): Promise<void> {
  while (!isOver() && ((await stat(file).catch(() => null))?.size ?? 0) === 0) await setTimeout(5);
}

/** Runs until the end or an error, on a disk that becomes full at a random moment. */
async function onFullDisk(kind: Kind, round: number, args: readonly string[]): Promise<Outcome> {
  if (kind === 'file size' || disk === null) {
    const limits: Limits = { fileSize: 1 + Math.floor(100 * draw(round, 3)) };
    return outcomeOf(start(args, path(), limits));
  }
  const log = `${disk}/log`;
  const child = start(args, path(), { log });
  let isOver = false;
  const ended = outcomeOf(child).finally(() => (isOver = true));
  await randomMoment(
    round,
    hasContent(log, () => isOver),
  );
  const clear = await fill(disk, Math.floor(40_000 * draw(round, 4) ** 2));
  const outcome = await ended;
  await clear();
  await rm(log);
  return outcome;
}

const kindOf = (round: number): Kind =>
  disk === null ? 'file size' : (['disk', 'log', 'file size'] as const)[round % 3];

/** The most full disks of one run: then the next run follows, with another kind. */
const FULL_PER_RUN = 4;

/** Runs on full disks until there were so many; returns how many of each kind. */
async function runOnFullDisks(rounds: number): Promise<Readonly<Record<Kind, number>>> {
  const counts = { disk: 0, log: 0, 'file size': 0 };
  let full = 0;
  for (let run = 0; full < rounds; run++) {
    const kind = kindOf(run);
    const output = kind === 'disk' ? `${disk}/run` : path(`full-${run}`);
    const last = Math.min(rounds, full + FULL_PER_RUN);
    for (let round = 1000 * run; ; round++) {
      const args = await nextArgs(output);
      const outcome = full < last ? await onFullDisk(kind, round, args) : await outcomeOf(start(args, path()));
      if (outcome.status === 0) {
        expect(outcome.stderr).toBe('');
        break;
      }
      // One line a file, and no stack trace.
      expect(outcome.stderr).toMatch(
        /^((Param|Output)Error: .*: expected .*, got (a full disk|a file at its size limit).*\n(hint: .*\n)?)+$/,
      );
      expect(outcome.status).toBe(1);
      full++;
      counts[kind]++;
      // A training whose log is full is as whole as any.
      if (kind === 'log') break;
    }
    await expectWhole(output);
    if (kind === 'disk') await rm(output, { recursive: true });
  }
  return counts;
}

posixTest('sh')(
  `a run whose disk is full comes to the same weights and records, rounds: ${ROUNDS}`,
  async () => {
    await mountDisk();
    try {
      const counts = Object.entries(await runOnFullDisks(ROUNDS));
      const total = counts.reduce((sum, [, count]) => sum + count, 0);
      expect(total).toBe(ROUNDS);
      const kinds = counts.map(([kind, count]) => `${kind} ${count}`).join(', ');
      if (ROUNDS > 2) process.stdout.write(`${total} full disks (${kinds})\n`);
    } finally {
      await unmountDisk();
    }
  },
  (ROUNDS + 1) * PATIENCE,
);
