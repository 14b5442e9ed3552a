/** Every command with a full disk behind its standard output: one line, exit status 1, and the files are whole. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { readMetrics } from '../../src/report/record.js';
import { linuxTest } from '../platform.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { PATIENCE } from './commandLine.js';

const MAIN = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url));
const path = temporaryFolder();
const onLinux = linuxTest('/dev/full');

const LINE = 'OutputError: stdout: expected a file to write, got a full disk\n';
const TRAIN = [
  '-d',
  'shapes',
  '--limit',
  '20',
  '--val-limit',
  '10',
  '--dims',
  '4,6',
  '--strides',
  '2',
  '--size',
  '8',
  '-b',
  '10',
];

beforeAll(async () => {
  for (const form of ['deploy', 'train'] as const) {
    const config = drawnConfig(form, form === 'train' ? { lambda: 1 } : {});
    await writeWeights(path(`${form}.safetensors`), drawnState(config), config);
  }
  const { in_chans, input_size } = drawnConfig('deploy');
  const shape = [1, in_chans, ...input_size];
  const x = { data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5), shape };
  await writeFile(path('x.safetensors'), encodeSafetensors(new Map([['x', x]])));
  const picture = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const { num_classes } = drawnConfig('deploy');
  for (let i = 0; i < num_classes; i++) {
    await mkdir(path('images', `class${i}`), { recursive: true });
    await writeFile(path('images', `class${i}`, 'a.png'), picture);
  }
  await copyFile(path('images', 'class0', 'a.png'), path('a.png'));
  await promisify(execFile)(process.execPath, [MAIN, 'train', ...TRAIN, '-e', '1', '-o', 'run'], { cwd: path() });
}, PATIENCE);

/** Runs a command with /dev/full as its standard output. */
async function onFullDisk(
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: path(), stdio: ['ignore', full, 'pipe'] });
  if (child.stderr === null) throw new Error('no stderr');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  closeSync(full);
  return { status, stderr };
}

describe('with a full disk behind stdout', () => {
  const COMMANDS: Readonly<Record<string, readonly string[]>> = {
    train: [...TRAIN, '-e', '2', '-o', 'full'],
    fuse: ['train.safetensors', 'fused.safetensors'],
    inspect: ['train.safetensors'],
    convert: ['train.safetensors', 'converted.safetensors', '--verify'],
    pack: ['deploy.safetensors', 'packed.safetensors', '-d', 'f16'],
    classify: ['a.png', '-w', 'deploy.safetensors'],
    eval: ['-w', 'deploy.safetensors', '-d', 'images'],
    plot: ['run', '-o', 'curves.svg'],
    diff: ['-w', 'deploy.safetensors'],
    summary: [],
    bench: ['-w', 'deploy.safetensors', '-r', '1', '--threads', '1'],
    plan: ['-w', 'deploy.safetensors', '--cpu-ms', '1'],
    engines: [],
    run: ['-w', 'deploy.safetensors', '-i', 'x.safetensors', '-o', 'logits.safetensors'],
  };

  describe.each(Object.entries(COMMANDS))('%s', (command, args) => {
    const variants = [
      ['text', args],
      ...(command === 'plot' ? [] : [['JSON', [...args.map((arg) => (arg === 'full' ? 'full-json' : arg)), '--json']]]),
      ['help', ['--help']],
    ] as const;
    for (const [what, more] of variants) {
      onLinux(
        what as string,
        async () => {
          expect(await onFullDisk([command, ...(more as readonly string[])])).toEqual({ status: 1, stderr: LINE });
        },
        PATIENCE,
      );
    }
  });

  onLinux('download, and the list of commands', async () => {
    expect(await onFullDisk(['download', '--help'])).toEqual({ status: 1, stderr: LINE });
    expect(await onFullDisk(['--help'])).toEqual({ status: 1, stderr: LINE });
    expect(await onFullDisk(['--version'])).toEqual({ status: 1, stderr: LINE });
  });

  onLinux('a usage error stays one', async () => {
    expect(await onFullDisk(['eval', '--frobnicate'])).toMatchObject({ status: 2 });
  });

  onLinux('what the commands write is whole', async () => {
    const names = await readdir(path());
    expect(names).toEqual(
      expect.arrayContaining([
        'fused.safetensors',
        'converted.safetensors',
        'packed.safetensors',
        'curves.svg',
        'logits.safetensors',
      ]),
    );
    expect(await readFile(path('curves.svg'), 'utf8')).toMatch(/<\/svg>\s*$/);
    for (const run of ['full', 'full-json']) {
      const epochs = (await readMetrics(path(run, 'metrics.jsonl'))).filter(({ kind }) => kind === 'epoch');
      expect(epochs).toHaveLength(2);
      expect(await readdir(path(run))).toContain('last.safetensors');
    }
  });

  test('all commands are tried', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, '--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(names.filter((name) => name !== 'help').sort()).toEqual(['download', ...Object.keys(COMMANDS)].sort());
  });
});
