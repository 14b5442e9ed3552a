/** A training that does not come to its end, and goes on; and one that nobody listens to. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { uniform } from '../../src/core/philox.js';
import { readWeights } from '../../src/io/weightsFile.js';
import { readLastCheckpoint } from '../../src/train/checkpoint.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { outcomeOf, PATIENCE, printed, start, vanillanet, type Outcome } from './commandLine.js';

const path = temporaryFolder();

/** Everything that has a state: moments, an average, dropout, mixing, augmentation. */
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--size', '8', '--dims', '4,6', '--strides', '1', '--val-limit', '10'],
  ...['--limit', '40', '--batch-size', '4', '--optimizer', 'lamb', '--ema', '0.9', '--mixup', '0.2'],
  ...['--random-crop', '1', '--flip', '0.5', '--drop-rate', '0.1', '--build', 'plain'],
  ...['--output', output, '--json', ...more],
];
const EPOCHS = ['--epochs', '40'];
/** Days of epochs: it is in the middle, whenever the signal comes. */
const ENDLESS = ['--epochs', '1000000'];

/** How often a run is killed; `npm run test:kills` has more patience. */
const KILLS = Number(process.env['VANILLANET_KILLS'] ?? 2);

const last = (output: string): Promise<Buffer> => readFile(path(output, 'last.safetensors'));
const stateOf = (output: string) =>
  readLastCheckpoint(path(output), (error) => {
    throw error;
  });

/** What the runs below must come to. */
let whole: Buffer;
beforeAll(async () => {
  await printed(train('whole', ...EPOCHS, '--threads', '1', '--workers', '0'), path());
  whole = await last('whole');
}, PATIENCE);

describe.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle of a training', (signal, status) => {
  test(
    'is answered with a checkpoint at that very step',
    async () => {
      const child = start(train(signal, ...ENDLESS), path());
      child.stdout.once('data', () => child.kill(signal));
      const ended = await outcomeOf(child);
      expect([ended.status, ended.stderr]).toEqual([status, '']);
      const lines = ended.stdout.trimEnd().split('\n');
      const { global_step } = JSON.parse(lines[lines.length - 1]) as { global_step: number };
      expect(await stateOf(signal)).toMatchObject({ globalStep: global_step });
      expect((await readdir(path(signal))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    },
    PATIENCE,
  );
});

test(
  'a terminal that is closed ends the process by its signal, when all is saved and others may train there',
  async () => {
    const child = start(train('closed', ...ENDLESS), path(), { terminal: true });
    child.stdout.once('data', () => child.kill('SIGHUP'));
    const { status, stderr } = await outcomeOf(child);
    expect([status, child.signalCode, stderr]).toEqual([null, 'SIGHUP', '']);
    expect((await stateOf('closed'))?.globalStep).toBeGreaterThan(0);
    expect(await readdir(path('closed'))).not.toContain('lock');
  },
  PATIENCE,
);

test(
  'Ctrl-C that comes twice, as npm sends it on, is one',
  async () => {
    // It interrupts itself: how soon the second signal follows does not depend on how busy the machine is.
    const preload = `
      const interrupt = () => process.kill(process.pid, 'SIGINT');
      process.once('SIGINT', () => setTimeout(interrupt, 5));
      const write = process.stdout.write;
      process.stdout.write = function (text, ...rest) {
        if (String(text).includes('images/s')) setImmediate(interrupt), (process.stdout.write = write);
        return write.call(this, text, ...rest);
      };`;
    const args = train('twice', ...ENDLESS).filter((arg) => arg !== '--json');
    const child = start(args, path(), { preload });
    const { status, stdout, stderr } = await outcomeOf(child);
    expect([status, stderr]).toEqual([130, '']);
    expect(stdout).toContain('\nstopping as soon as it is saved; once more to stop at once\n');
    expect(stdout).toMatch(/\nstopped; the same command with --resume goes on\n$/);
    expect(await readdir(path('twice'))).not.toContain('lock');
    expect((await stateOf('twice'))?.globalStep).toBeGreaterThan(0);
  },
  PATIENCE,
);

test(
  'Ctrl-C in the middle of an evaluation is answered within it; what follows is as if it had not been',
  async () => {
    const held = (output: string, ...more: string[]): string[] => [
      ...train(output, '--backend', 'reference', '--epochs', '1', '--decay-epochs', '0.5', '--limit', '8', ...more),
      ...['--val-limit', '600', '--workers', '0'],
    ];
    // It interrupts itself, so that the signal comes before the end of the evaluation on a busy machine, too.
    const preload = `
      const write = process.stdout.write;
      process.stdout.write = function (text, ...rest) {
        if (String(text).includes('"step":2,')) setTimeout(() => process.kill(process.pid, 'SIGINT'), 20);
        return write.call(this, text, ...rest);
      };`;
    const { status, stdout } = await outcomeOf(start(held('judged'), path(), { preload }));
    expect(status).toBe(130);
    expect(stdout).not.toContain('"kind":"epoch"');
    expect(await stateOf('judged')).toMatchObject({ epoch: 0, step: 2, globalStep: 2 });
    await printed(held('judged', '--resume'), path());
    await printed(held('unjudged'), path());
    expect(await last('judged')).toEqual(await last('unjudged'));
    const records = async (output: string): Promise<unknown[]> => {
      const lines = (await readFile(path(output, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
      // All but how long it took.
      return lines.map((line) => {
        const { images_per_second: _, seconds: __, idle: ___, ...record } = JSON.parse(line) as Record<string, unknown>;
        return record;
      });
    };
    expect(await records('judged')).toEqual(await records('unjudged'));
  },
  PATIENCE,
);

/** Starts, and kills after some milliseconds without a word. Whether it had come to its end. */
async function killed(args: readonly string[], milliseconds: number): Promise<Outcome> {
  const child = start(args, path());
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  const ended = await outcomeOf(child);
  clearTimeout(timer);
  return ended;
}

test(
  `a run that is killed ${KILLS} times comes to the same weights, bit for bit`,
  async () => {
    let kills = 0;
    for (let run = 0; kills < KILLS; run++) {
      const output = `killed-${run}`;
      let args = train(output, ...EPOCHS, '--checkpoint-every', '0', '--threads', '2');
      for (let life = 0; ; life++) {
        // A process needs some 400 ms to its first step.
        const patience = kills < KILLS ? 350 + 700 * uniform(run, life, kills) : PATIENCE;
        const { status, stderr } = await killed(args, patience);
        expect(stderr).toBe('');
        if (status === 0) break;
        expect(status).toBeNull();
        kills++;
        args = train(output, ...EPOCHS, '--checkpoint-every', '0', '--threads', '2', '--resume');
        if ((await readdir(path(output)).catch((): string[] => [])).length === 0) args.pop();
      }
      expect(await last(output)).toEqual(whole);
      const records = (await readFile(path(output, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
      const epochs = records.map((line) => JSON.parse(line) as { kind: string; epoch: number });
      expect(epochs.filter(({ kind }) => kind === 'epoch').map(({ epoch }) => epoch)).toEqual(
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
    }
  },
  KILLS * PATIENCE,
);

test(
  'the oracle, too, goes on from where it was stopped to the same weights, bit for bit',
  async () => {
    const oracle = ['--backend', 'reference', '--epochs', '12'];
    await printed(train('oracle', ...oracle), path());
    const child = start(train('stopped', ...oracle), path());
    child.stdout.once('data', () => child.kill('SIGINT'));
    expect((await outcomeOf(child)).status).toBe(130);
    expect((await readdir(path('stopped'))).includes('last.safetensors')).toBe(false);
    await printed(train('stopped', ...oracle, '--resume'), path());
    expect(await last('stopped')).toEqual(await last('oracle'));
  },
  PATIENCE,
);

/** In a shell where no file may become larger than so many kilobytes: what a full disk does to a process. */
const confined = (kilobytes: number, args: readonly string[]): Promise<Outcome> =>
  vanillanet(args, path(), { fileSize: kilobytes });

test(
  'a disk that is full stops the training, and costs nothing that was there',
  async () => {
    const wide = ['--dims', '32,64', ...EPOCHS.slice(0, 1), '3', '--checkpoint-every', '0'];
    const expected = await printed(train('roomy', ...wide), path()).then(() => last('roomy'));
    const child = start(train('full', ...wide), path());
    child.stdout.once('data', () => child.kill('SIGINT'));
    await outcomeOf(child);
    const before = await readdir(path('full'));

    const refused = await confined(16, train('full', ...wide, '--resume'));
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^ParamError: full\/checkpoint-\d+\.safetensors: expected a file to write, got /);
    expect(await readdir(path('full'))).toEqual(before);

    await printed(train('full', ...wide, '--resume'), path());
    expect(await last('full')).toEqual(expected);
  },
  PATIENCE,
);

test(
  'a run is not begun where there is one, nor gone on with where there is none',
  async () => {
    const again = await vanillanet(train('whole', ...EPOCHS), path());
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('ParamError: whole: expected a folder without a run, got one with a run');
    const nothing = await vanillanet(train('nothing', ...EPOCHS, '--resume'), path());
    expect(nothing.stderr).toContain('ParamError: nothing: expected the folder of a run, got no such folder');
    const other = await vanillanet(train('whole', '--epochs', '41', '--resume'), path());
    expect(other.stderr).toMatch(/^ParamError: resume: expected epochs 40, as in the checkpoint, got 41\n$/);
    expect(await last('whole')).toEqual(whole);
  },
  PATIENCE,
);

test(
  'a reader that has heard enough does not cost the weights',
  async () => {
    const child = start(train('unheard', '--epochs', '3'), path());
    child.stdout.destroy();
    expect(await outcomeOf(child)).toMatchObject({ status: 0, stderr: '' });
    expect((await readWeights(path('unheard', 'last.safetensors'))).config.lambda).toBe(1);
  },
  PATIENCE,
);
