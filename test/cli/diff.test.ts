import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { diffCommand } from '../../src/cli/diff.js';
import { DataError, ParamError, ShapeError, WeightsError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { changed, randomDump } from '../diff/randomDump.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { answered, PATIENCE, vanillanet } from './commandLine.js';

const path = temporaryFolder();
const [deploy, train] = [drawnConfig('deploy'), drawnConfig('train')];
const x = drawnImages(deploy, 2);

beforeAll(async () => {
  const state = drawnState(deploy);
  await writeWeights(path('deploy.safetensors'), state, deploy);
  await writeWeights(path('train.safetensors'), drawnState(train), train);
  const broken = changed(state, 'stages.0.conv.weight', (v, i) => (i === 13 ? v + 1e-3 : v));
  const holed = { ...x, data: x.data.map((v, i) => (i === 5 ? NaN : v)) };
  await writeWeights(path('deploy.html'), state, deploy);
  const files: Record<string, ReadonlyMap<string, Tensor>> = {
    sound: await randomDump(state, deploy, x),
    broken: await randomDump(broken, deploy, x),
    empty: new Map([['input', x]]),
    narrow: (await randomDump(state, deploy, x)).set('stem.0', { ...x, shape: [2, 3, 320] }),
    x: new Map([['x', x]]),
    holed: new Map([['x', holed]]),
    foreign: new Map([['y', x]]),
    flat: new Map([['x', { ...x, shape: [2, 960] }]]),
  };
  for (const [name, tensors] of Object.entries(files)) {
    await writeFile(path(`${name}.safetensors`), encodeSafetensors(tensors));
  }
});

afterEach(() => {
  jest.restoreAllMocks();
});

interface Answer {
  readonly holds: boolean;
  readonly to: string;
  readonly input: string;
  readonly shape: readonly number[];
  readonly backends: readonly {
    readonly backend: string;
    readonly holds: boolean;
    readonly first: string | null;
    readonly layers: readonly { readonly layer: string; readonly outside: number; readonly to: object | null }[];
  }[];
}

const diff = (...args: string[]): string[] => ['diff', '--weights', 'deploy.safetensors', ...args];

test(
  'compares both builds on noise, as JSON with a row a module',
  async () => {
    const answer = (await answered(diff('--backends', 'reference,wasm:plain,wasm'), path())) as Answer;
    expect(answer).toMatchObject({ holds: true, to: 'reference', input: 'noise of seed 0', shape: [1, 3, 16, 20] });
    expect(answer.backends.map(({ backend }) => backend)).toEqual(['wasm:plain', 'wasm']);
    for (const { holds, first, layers } of answer.backends) {
      expect([holds, first, layers.length]).toEqual([true, null, 5]);
      expect(layers.every(({ to }) => to !== null)).toBe(true);
    }
  },
  PATIENCE,
);

test(
  'compares dumps and writes a page: names the wrong layer, exit status 1',
  async () => {
    const args = diff(
      '--backends',
      'reference,sound.safetensors,wasm:plain',
      '--dump',
      'broken.safetensors',
      '--html',
      'a.html',
    );
    const { status, stdout, stderr } = await vanillanet(args, path());
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toContain('deploy.safetensors, deploy form, on sound.safetensors [2,3,16,20]');
    const [, sound, wasm, broken] = stdout.split(/^(?:sound\.safetensors|broken\.safetensors|wasm:plain): /m);
    expect(wasm).toContain(
      'no output, so their errors count in the next layer: stem.0, stages.0.conv, stages.0.pool, stages.1.conv, cls.1\n',
    );
    expect(sound).toContain('every layer is within its bound');
    expect(sound).not.toContain('<- outside');
    expect(broken.split('\n').filter((line) => line.includes('<- outside'))).toEqual([
      expect.stringMatching(/^stages\.0\.conv /),
    ]);
    expect(broken).toContain('stages.0.conv is the first layer outside its bound');
    const page = await readFile(path('a.html'), 'utf8');
    expect(page).toContain('Worst layer: stages.0.conv');
    expect(page).toContain('<strong>stages.0.conv</strong> is the first layer');
    expect(page).not.toMatch(/<script|\b(?:src|href)="|NaN|undefined/);
    // The chart is there twice, wide and narrow. Each backend has a heat map.
    expect(page.match(/<title>Largest error over bound/g)).toHaveLength(2);
    expect(page.match(/<title>\|error\| of [\w.]+, image/g)).toHaveLength(3);
  },
  PATIENCE,
);

describe('refuses, and writes nothing', () => {
  const dump = (name: string): string[] => ['-b', `reference,${path(`${name}.safetensors`)}`];
  const input = (name: string): string[] => ['-i', path(name)];
  type Case = readonly [what: string, args: () => string[], by: Parameters<typeof refusal>];
  const cases: readonly Case[] = [
    [
      'an unknown backend',
      () => ['-b', 'reference,cuda'],
      [ParamError, '--backends', 'reference, wasm, wasm:plain, wasm:relaxed, tfjs, tfjs:<engine>, or a dump', 'cuda'],
    ],
    [
      'only the reference',
      () => ['-b', 'reference'],
      [ParamError, '--backends', 'a backend or dump to compare with', 'reference'],
    ],
    ['the same backend twice', () => ['-b', 'wasm,wasm'], [ParamError, '--backends', 'different names', 'wasm twice']],
    [
      'a dump without layers',
      () => dump('empty'),
      [WeightsError, 'empty.safetensors', "the deploy form's modules", 'input only'],
    ],
    ['a dump without input', () => dump('x'), [WeightsError, 'x.safetensors', 'a tensor input', 'no such tensor']],
    ['a wrong shape', () => dump('narrow'), [ShapeError, 'narrow.safetensors: stem.0', '[2,4,4,5]', '[2,3,320]']],
    [
      'an x with NaN',
      () => input('holed.safetensors'),
      [DataError, 'holed', 'x of finite numbers', 'NaN at element 5'],
    ],
    [
      'a file without x',
      () => input('foreign.safetensors'),
      [WeightsError, 'foreign', 'a tensor x [n,c,h,w]', 'no such tensor'],
    ],
    ['a missing image', () => input('nothing.png'), [DataError, 'nothing.png', 'a readable file', 'no such file']],
    ['x of another rank', () => input('flat.safetensors'), [ShapeError, 'flat', 'x [n,3,h,w]', 'x [2,960]']],
    [
      'a page in a missing folder',
      () => [...dump('sound'), '--html', path('no/a.html')],
      [ParamError, 'no/a.html', 'a folder', 'none'],
    ],
    [
      'a page that would overwrite an input',
      () => [...dump('sound'), '--html', path('deploy.html')],
      [ParamError, 'deploy.html', 'an output that is not an input', 'deploy.html'],
    ],
    [
      'a page that would overwrite the image',
      () => [...dump('sound'), ...input('deploy.html'), '--html', path('deploy.html')],
      [ParamError, 'deploy.html', 'an output that is not an input', 'deploy.html'],
    ],
    [
      'the train form in WebAssembly',
      () => ['-w', path('train.safetensors')],
      [WeightsError, 'wasm', 'the deploy form', 'the train form'],
    ],
  ];
  test.each(cases)('%s', async (what, args, by) => {
    const before = await readdir(path());
    const weights = path(what === 'a page that would overwrite an input' ? 'deploy.html' : 'deploy.safetensors');
    const run = diffCommand().parseAsync(['-w', weights, ...args()], { from: 'user' });
    await expect(run).rejects.toThrow(refusal(...by));
    expect(await readdir(path())).toEqual(before);
  });
});

/** Runs the command in this process, and returns the lines that it prints. */
async function linesOf(...args: string[]): Promise<string[]> {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const command = diffCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  await command.parseAsync(['-w', path('deploy.safetensors'), ...args], { from: 'user' });
  return text.split('\n');
}

describe('as text', () => {
  const args = (): string[] => ['-i', path('x.safetensors'), '-b', 'reference,wasm:plain'];
  const subject = (): string => `${path('deploy.safetensors')}, deploy form, on ${path('x.safetensors')} [2,3,16,20]`;

  test('has an empty line before each comparison', async () => {
    const lines = await linesOf(...args(), '--dump', path('sound.safetensors'));
    const head = (name: string): number =>
      lines.indexOf(`${name}: each layer on its own input | difference to reference`);
    expect(lines.slice(0, 2)).toEqual([subject(), '']);
    expect(head('wasm:plain')).toBe(2);
    const second = head(path('sound.safetensors'));
    expect(lines.slice(second - 2, second)).toEqual([expect.stringContaining('count in the next layer'), '']);
    expect(lines.slice(-2)).toEqual([expect.stringMatching(/^every layer is within its bound/), '']);
  });

  test('names the page at the end', async () => {
    const lines = await linesOf(...args(), '--html', path('page.html'));
    expect(lines[0]).toBe(subject());
    expect(lines.slice(-3)).toEqual(['', `wrote ${path('page.html')}`, '']);
    expect(await readFile(path('page.html'), 'utf8')).toContain('Largest error over bound');
  });
});

test.each(['', 'reference,', ',wasm', 'reference,,wasm'])('refuses the backends %j', async (names) => {
  await expect(linesOf('-b', names)).rejects.toThrow(' is invalid. Expected names with commas between them.');
});

test('refuses an unknown backend before it reads anything', async () => {
  const run = linesOf('-b', 'reference,cuda', '-w', path('nothing.safetensors'));
  await expect(run).rejects.toMatchObject({ op: '--backends', got: 'cuda' });
});

test(
  'refuses λ for the deploy form',
  async () => {
    const { status, stdout, stderr } = await vanillanet(diff('--lambda', '0.5'), path());
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('deploy.safetensors: expected no --lambda for the deploy form, got --lambda 0.5');
  },
  PATIENCE,
);
