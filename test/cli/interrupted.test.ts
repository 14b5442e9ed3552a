/** Interrupted trainings that are resumed, and a training whose output nothing reads. */
import { describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { readWeights } from '../../src/io/weightsFile.js';
import { readLastCheckpoint } from '../../src/train/checkpoint.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';
import { hosted, outcomeOf, PATIENCE, printed, start } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** A recipe with all kinds of state: moments, averaged weights, dropout, mixing, augmentation. */
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--size', '8', '--dims', '4,6', '--strides', '1', '--val-limit', '10'],
  ...['--limit', '40', '--batch-size', '4', '--optimizer', 'lamb', '--ema', '0.9', '--mixup', '0.2'],
  ...['--random-crop', '1', '--flip', '0.5', '--drop-rate', '0.1'],
  ...(more.includes('reference') ? [] : ['--build', 'plain']),
  ...['--output', output, '--json', ...more],
];
/** So many epochs that a signal always arrives before the end, and so long ones that it mostly arrives in the first. */
const ENDLESS = ['--epochs', '1000000', '--limit', '400'];
/** Without other threads, whose start takes time. */
const ALONE = ['--threads', '1', '--workers', '0'];

const last = (output: string): Promise<Buffer> => readFile(path(output, 'last.safetensors'));
const stateOf = (output: string) =>
  readLastCheckpoint(path(output), (error) => {
    throw error;
  });

/**
 * A module in which the process interrupts itself some milliseconds after it first writes `text`: on a busy machine, a
 * signal from another process could come too late. An emitted event, because signals end a process on Windows.
 */
const interruptAt = (text: string, delay = 0): string => `
  const interrupt = () => process.emit('SIGINT', 'SIGINT');
  const write = process.stdout.write;
  process.stdout.write = function (output, ...rest) {
    if (String(output).includes('${text}')) setTimeout(interrupt, ${delay}), (process.stdout.write = write);
    return write.call(this, output, ...rest);
  };`;

describe.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle of a training', (signal, status) => {
  posixTest('signals')(
    'writes a checkpoint at the current step',
    async () => {
      const child = start(train(signal, ...ENDLESS, ...(signal === 'SIGINT' ? [] : ALONE)), path());
      child.stdout.once('data', () => child.kill(signal));
      const outcome = await outcomeOf(child);
      expect([outcome.status, outcome.stderr]).toEqual([status, '']);
      const lines = outcome.stdout.trimEnd().split('\n');
      const { global_step } = JSON.parse(lines[lines.length - 1]) as { global_step: number };
      expect(await stateOf(signal)).toMatchObject({ globalStep: global_step });
      expect((await readdir(path(signal))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    },
    PATIENCE,
  );
});

posixTest('signals')(
  'SIGHUP ends the process by the signal, after saving and unlocking the folder',
  async () => {
    const child = start(train('closed', ...ENDLESS, ...ALONE), path(), { terminal: true });
    child.stdout.once('data', () => child.kill('SIGHUP'));
    const { status, stderr } = await outcomeOf(child);
    expect([status, child.signalCode, stderr]).toEqual([null, 'SIGHUP', '']);
    expect((await stateOf('closed'))?.globalStep).toBeGreaterThan(0);
    expect(await readdir(path('closed'))).not.toContain('lock');
  },
  PATIENCE,
);

test(
  'Ctrl-C that npm forwards a second time counts once',
  async () => {
    // How soon the second signal follows does not depend on how busy the machine is.
    const preload = `${interruptAt('images/s')}
      process.once('SIGINT', () => setTimeout(interrupt, 5));`;
    const args = train('twice', ...ENDLESS).filter((arg) => arg !== '--json');
    const child = start(args, path(), { preload });
    const { status, stdout, stderr } = await outcomeOf(child);
    expect([status, stderr]).toEqual([130, '']);
    expect(stdout).toContain('\nstopping after the next checkpoint; send the signal again to stop at once\n');
    expect(stdout).toMatch(/\nstopped; continue with: vanillanet train --resume twice\n$/);
    expect(await readdir(path('twice'))).not.toContain('lock');
    expect((await stateOf('twice'))?.globalStep).toBeGreaterThan(0);
  },
  PATIENCE,
);

test(
  'Ctrl-C during an evaluation stops within it, and the resumed run gives the same records',
  async () => {
    const evaluationArgs = (output: string, ...more: string[]): string[] => [
      ...train(output, '--backend', 'reference', '--epochs', '1', '--decay-epochs', '0.5', '--limit', '8', ...more),
      ...['--val-limit', '600', '--workers', '0'],
    ];
    const preload = interruptAt('"step":2,', 20);
    const { status, stdout } = await outcomeOf(start(evaluationArgs('stopped-in-evaluation'), path(), { preload }));
    expect(status).toBe(130);
    expect(stdout).not.toContain('"kind":"epoch"');
    expect(await stateOf('stopped-in-evaluation')).toMatchObject({ epoch: 0, step: 2, globalStep: 2 });
    await printed(evaluationArgs('stopped-in-evaluation', '--resume'), path(), inHost);
    await printed(evaluationArgs('uninterrupted'), path(), inHost);
    expect(await last('stopped-in-evaluation')).toEqual(await last('uninterrupted'));
    const records = async (output: string): Promise<unknown[]> => {
      const lines = (await readFile(path(output, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
      // All fields except times.
      return lines.map((line) => {
        const {
          time: _,
          images_per_second: __,
          seconds: ___,
          idle: ____,
          ...record
        } = JSON.parse(line) as Record<string, unknown>;
        return record;
      });
    };
    expect(await records('stopped-in-evaluation')).toEqual(await records('uninterrupted'));
  },
  PATIENCE,
);

test(
  'the reference is resumed to the same weights, bit for bit',
  async () => {
    // Three steps an epoch: the run is stopped before the last of the first.
    const options = ['--backend', 'reference', '--epochs', '2', '--limit', '12', '--workers', '0'];
    await printed(train('reference', ...options), path(), inHost);
    const preload = interruptAt('"step":2,');
    expect((await outcomeOf(start(train('stopped', ...options), path(), { preload }))).status).toBe(130);
    expect((await readdir(path('stopped'))).includes('last.safetensors')).toBe(false);
    await printed(train('stopped', ...options, '--resume'), path(), inHost);
    expect(await last('stopped')).toEqual(await last('reference'));
  },
  PATIENCE,
);

test(
  'refuses to start in the folder of a run, and to resume without one',
  async () => {
    const epochs = ['--epochs', '2', '--decay-epochs', '1', ...ALONE];
    await printed(train('whole', ...epochs), path(), inHost);
    const whole = await last('whole');
    const again = await inHost(train('whole', ...epochs), path());
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('ParamError: whole: expected a folder without a run, got one with a run');
    const nothing = await inHost(train('nothing', ...epochs, '--resume'), path());
    expect(nothing.stderr).toContain('ParamError: nothing: expected the folder of a run, got no such file or folder');
    const other = await inHost(train('whole', ...epochs.with(1, '1'), '--resume'), path());
    expect(other.stderr).toMatch(/^ParamError: --epochs: expected at least 2, as in the run, got 1\n/);
    expect(await last('whole')).toEqual(whole);
  },
  PATIENCE,
);

test(
  'writes the weights if the reader of its output ends',
  async () => {
    const child = start(train('unheard', '--epochs', '2', ...ALONE), path());
    child.stdout.destroy();
    expect(await outcomeOf(child)).toMatchObject({ status: 0, stderr: '' });
    expect((await readWeights(path('unheard', 'last.safetensors'))).config.lambda).toBe(1);
  },
  PATIENCE,
);
