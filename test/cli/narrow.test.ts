/** What commands print fits narrow terminals, with the same words as in a pipe, where nothing is broken. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { displayWidth } from '../../src/report/displayWidth.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { CLASSES, writePets } from './pets.js';
import { onScreen } from './screen.js';

const path = temporaryFolder();
const START = process.cwd();
const NAMES = CLASSES.map((name, i) => (i === 2 ? '猫の名前がとても長いもの' : i === 3 ? '\x1b[31mred\x1b[0m' : name));

beforeAll(async () => {
  for (const form of ['deploy', 'train'] as const) {
    const size = { num_classes: CLASSES.length, input_size: [16, 16] as const, class_names: CLASSES };
    const config = drawnConfig(form, form === 'train' ? { ...size, lambda: 1 } : size);
    await writeWeights(path(`${form}.safetensors`), drawnState(config), config);
    const named = { ...config, class_names: NAMES };
    await writeWeights(path(`${form}-named.safetensors`), drawnState(config), named);
  }
  await writePets(path('pets'));
  await writeFile(path('note.txt'), 'text');
  process.chdir(path());
});

afterAll(() => {
  process.chdir(START);
});

const DATA = ['-d', 'pets', '-s', 'val'];
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  eval: ['eval', '-w', 'deploy.safetensors', ...DATA],
  pack: ['pack', 'deploy.safetensors', 'packed.json', '-d', 'f16', '--shard', '2kB', '-n', '4'],
  fuse: ['fuse', 'train.safetensors', 'fused.safetensors', '--verify'],
  classify: ['classify', 'pets/val/ant/1.png', '-w', 'deploy-named.safetensors'],
  diff: ['diff', '-w', 'deploy.safetensors'],
  'summary of all': ['summary'],
  'summary of one': ['summary', '-w', 'deploy.safetensors'],
  plan: ['plan', '-w', 'deploy.safetensors', '--cpu-ms', '3'],
  'an error': ['classify', 'note.txt', '-w', 'deploy.safetensors'],
};

/** Words that vary from run to run: speeds and random names. */
const words = (text: string): string[] => text.split(/\s+/).filter((word) => !/^\d+$/.test(word));

describe.each(Object.entries(COMMANDS))('%s', (_, args) => {
  test.each([40, 60, 80])('fits %d columns', async (columns) => {
    const { stdout, stderr } = await onScreen(columns, args);
    // A word that is wider than the terminal, such as a path or a chip's name, is in one piece.
    const wide = [...stdout.split('\n'), ...stderr.split(/[\n\r]/)].filter((line) => displayWidth(line) >= columns);
    expect(wide.filter((line) => / \S/.test(line.trimStart()))).toEqual([]);
  });

  test('is not broken in a pipe', async () => {
    const [piped, wide] = [await onScreen(undefined, args), await onScreen(1000, args)];
    expect(words(piped.stdout)).toEqual(words(wide.stdout));
    expect(piped.stdout.split('\n')).toHaveLength(wide.stdout.split('\n').length);
  });
});

test('names with control characters and wide ones', async () => {
  const { stdout } = await onScreen(undefined, [...COMMANDS['classify']]);
  expect(stdout).toContain('猫の名前がとても長いもの\n');
  expect(stdout).toContain('\\x1b[31mred\\x1b[0m\n');
  // eslint-disable-next-line no-control-regex -- the escape character would start a sequence
  expect(stdout).not.toMatch(/\x1b/);
});
