import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import type { VariantName } from '../../src/core/config.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { hosted, PATIENCE } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** The stdout of a command that must succeed. */
async function printed(args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await inHost(args, path());
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

const answered = async (args: readonly string[]): Promise<unknown> =>
  JSON.parse(await printed([...args, '--json'])) as unknown;

type Counts = readonly [deployParameters: number, deployMacs: number, trainParameters: number, trainMacs: number];

/** Counts of the official code, at 1000 classes and 224x224. */
// prettier-ignore
const COUNTS: Readonly<Record<VariantName, Counts>> = {
  vanillanet_5: [15_523_304, 5_161_185_280, 22_328_800, 8_450_519_616],
  vanillanet_6: [32_509_416, 5_993_103_360, 56_116_704, 10_104_521_280],
  vanillanet_7: [32_797_672, 6_893_862_912, 56_670_176, 11_827_364_416],
  vanillanet_8: [37_096_424, 7_735_615_488, 65_175_520, 13_491_200_576],
  vanillanet_9: [41_395_176, 8_577_368_064, 73_680_864, 15_155_036_736],
  vanillanet_10: [45_693_928, 9_419_120_640, 82_186_208, 16_818_872_896],
  vanillanet_11: [49_992_680, 10_260_873_216, 90_691_552, 18_482_709_056],
  vanillanet_12: [54_291_432, 11_102_625_792, 99_196_896, 20_146_545_216],
  vanillanet_13: [58_590_184, 11_944_378_368, 107_702_240, 21_810_381_376],
  vanillanet_13_x1_5: [127_796_200, 26_548_445_184, 236_942_048, 48_745_701_952],
  vanillanet_13_x1_5_ada_pool: [127_796_200, 48_982_528_512, 236_942_048, 89_966_269_504],
};

const counted = (variant: string, [deploy, deployMacs, train, trainMacs]: Counts): object => ({
  variant,
  deploy: { parameters: deploy, macs: deployMacs },
  train: { parameters: train, macs: trainMacs },
});

describe('all variants', () => {
  test(
    'have the counts of the official code, as JSON',
    async () => {
      const rows = Object.entries(COUNTS).map(([variant, counts]) => counted(variant, counts));
      expect(await answered(['summary'])).toEqual(rows);
    },
    PATIENCE,
  );

  test(
    'print a table with one variant a line',
    async () => {
      const [head, ...rows] = (await printed(['summary'])).trimEnd().split('\n');
      expect(head.split(/ {2,}/)).toEqual(['variant', 'deploy params', 'deploy MACs', 'train params', 'train MACs']);
      const written = Object.entries(COUNTS).map(([variant, counts]) => [
        variant,
        ...counts.map((count) => count.toLocaleString('en-US')),
      ]);
      expect(rows.map((row) => row.split(/ +/))).toEqual(written);
      // The columns are aligned: all rows have the same length.
      expect(new Set(rows.map((row) => row.length)).size).toBe(1);
    },
    PATIENCE,
  );

  test(
    'with ten classes',
    async () => {
      const [five] = (await answered(['summary', '--num-classes', '10'])) as object[];
      expect(five).toMatchObject({ deploy: { parameters: 11_467_274 }, train: { parameters: 17_269_900 } });
      const ten = ['vanillanet_5', '--num-classes', '10', '--form', 'deploy'];
      expect(await described(...ten)).toMatchObject([{ parameters: 11_467_274 }]);
    },
    PATIENCE,
  );

  test(
    'at another size',
    async () => {
      const [five] = (await answered(['summary', '--size', '64'])) as { deploy: { macs: number } }[];
      const [{ macs }] = await described('vanillanet_5', '--size', '64', '--form', 'deploy');
      expect(five.deploy.macs).toBe(macs);
      expect(macs).toBeLessThan(COUNTS.vanillanet_5[1]);
    },
    PATIENCE,
  );
});

interface Described {
  readonly form: string;
  readonly parameters: number;
  readonly macs: number;
  readonly layers: readonly { readonly name: string; readonly output: readonly number[] }[];
}

const described = async (...args: string[]): Promise<Described[]> =>
  (await answered(['summary', ...args])) as Described[];

describe('one network', () => {
  test(
    'lists the layers in both forms',
    async () => {
      const [train, deploy] = await described('vanillanet_5');
      const { vanillanet_5: counts } = COUNTS;
      expect([deploy.form, deploy.parameters, deploy.macs]).toEqual(['deploy', counts[0], counts[1]]);
      expect([train.form, train.parameters, train.macs]).toEqual(['train', counts[2], counts[3]]);
      const pools = deploy.layers.filter(({ name }) => name.endsWith('.pool'));
      expect(pools.map(({ output }) => output)).toEqual([
        [1024, 28, 28],
        [2048, 14, 14],
        [4096, 7, 7],
      ]);
    },
    PATIENCE,
  );

  test(
    'prints a table of one form at another size',
    async () => {
      const text = await printed(['summary', 'vanillanet_5', '--size', '64x47', '--form', 'deploy']);
      expect(text).toMatch(/^vanillanet_5, deploy form, input \[3,64,47\]\n/);
      expect(text).toMatch(/^stages\.2\.pool +maxPool2d +\[4096,2,1\] +0 +0$/m);
      expect(text).toMatch(/^cls\.2 +conv2d +\[1000,1,1\] +4,097,000 +4,096,000$/m);
      expect(text).toMatch(/^total +15,523,304 +[\d,]+$/m);
      expect(text).not.toContain('train form');
    },
    PATIENCE,
  );

  test(
    'without a name is called network, and has its tables apart',
    async () => {
      await writeFile(path('tiny.json'), JSON.stringify({ dims: [3, 4], strides: [2], num_classes: 2, act_num: 1 }));
      const lines = (await printed(['summary', '--config', 'tiny.json', '--size', '16'])).split('\n');
      const starts = lines.flatMap((line, i) => (line.startsWith('network, ') ? [i] : []));
      expect(starts.map((i) => lines[i])).toEqual([
        'network, train form, input [3,16,16]',
        'network, deploy form, input [3,16,16]',
      ]);
      expect(starts.map((i) => lines.slice(i + 1, i + 3).map((line) => line.split(/ {2,}/)))).toEqual(
        Array(2).fill([[''], ['layer', 'op', 'output', 'parameters', 'MACs']]),
      );
      expect(lines[starts[1] - 1]).toBe('');
      expect(lines.slice(-3)).toEqual([expect.stringMatching(/^total +[\d,]+ +[\d,]+$/), '', '']);
    },
    PATIENCE,
  );

  test.each([
    [['vanillanet_5', '-c', 'c.json'], 'one of variant, --weights and --config, got vanillanet_5 and c.json'],
    [['-w', 'w', '-c', 'c.json'], 'one of variant, --weights and --config, got w and c.json'],
    [['-c', 'c.json', '-n', '7'], 'no --num-classes with --weights or --config, got --num-classes 7'],
    [['-w', 'w', '-n', '7'], 'no --num-classes with --weights or --config, got --num-classes 7'],
  ])(
    'refuses %j',
    async (args, message) => {
      const { status, stdout, stderr } = await inHost(['summary', ...args], path());
      expect([status, stdout, stderr]).toEqual([1, '', `ParamError: summary: expected ${message}\n`]);
    },
    PATIENCE,
  );

  test(
    'reads a weight file or a configuration, with its input size',
    async () => {
      const config = drawnConfig('deploy');
      await writeWeights(path('w.safetensors'), drawnState(config), config);
      const { dims, strides, num_classes, act_num, input_size } = config;
      await writeFile(path('c.json'), JSON.stringify({ dims, strides, num_classes, act_num, input_size }));
      const [train, deploy] = await described('--weights', 'w.safetensors');
      expect(await described('--config', 'c.json')).toEqual([train, deploy]);
      expect(deploy.layers[0]).toMatchObject({ name: 'stem.0', output: [4, 4, 5] });
      expect(deploy.parameters).toBe([...drawnState(config).values()].reduce((sum, { data }) => sum + data.length, 0));
    },
    PATIENCE,
  );
});

test.each(['summary', 'plan', 'bench', 'train --variant'])(
  '%s refuses an unknown variant as a usage error, with the nearest name',
  async (command) => {
    const { status, stdout, stderr } = await inHost([...command.split(' '), 'vanillanet_55'], path());
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /'vanillanet_55' is invalid.* Expected one of vanillanet_5, .*\. Did you mean vanillanet_5\?\n/,
    );
  },
  PATIENCE,
);
