/** Every command, argument and option of the command line is described. */
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { benchCommand } from '../../src/cli/bench.js';
import { classifyCommand } from '../../src/cli/classify.js';
import { convertCommand } from '../../src/cli/convert.js';
import { diffCommand } from '../../src/cli/diff.js';
import { downloadCommand } from '../../src/cli/download.js';
import { enginesCommand } from '../../src/cli/engines.js';
import { evalCommand } from '../../src/cli/eval.js';
import { fuseCommand } from '../../src/cli/fuse.js';
import { inspectCommand } from '../../src/cli/inspect.js';
import { packCommand } from '../../src/cli/pack.js';
import { planCommand } from '../../src/cli/plan.js';
import { plotCommand } from '../../src/cli/plot.js';
import { runCommand } from '../../src/cli/run.js';
import { summaryCommand } from '../../src/cli/summary.js';
import { trainCommand } from '../../src/cli/train.js';

const COMMANDS: Readonly<Record<string, () => Command>> = {
  bench: benchCommand,
  classify: classifyCommand,
  convert: convertCommand,
  diff: diffCommand,
  download: downloadCommand,
  engines: enginesCommand,
  eval: evalCommand,
  fuse: fuseCommand,
  inspect: inspectCommand,
  pack: packCommand,
  plan: planCommand,
  plot: plotCommand,
  run: runCommand,
  summary: summaryCommand,
  train: trainCommand,
};

test.each([
  ['eval', evalCommand],
  ['classify', classifyCommand],
])('%s names the official weights, and those of the package', (_, create) => {
  expect(create().options.find(({ long }) => long === '--weights')?.description).toBe(
    'file, URL, or name of official ones: vanillanet_5 (default: CIFAR-10, of this package)',
  );
});

describe.each(Object.entries(COMMANDS))('%s', (name, create) => {
  test('has its name', () => {
    expect(create().name()).toBe(name);
  });

  test('is described by sentences', () => {
    expect(create().description()).toMatch(/^[A-Z][^]* [^]*\.$/);
  });

  test('describes each argument and option', () => {
    const command = create();
    const parts = [...command.registeredArguments, ...command.options];
    // The choices of an option are behind its own description.
    expect(parts.filter(({ description }) => !/^\w/.test(description)).map((part) => part.name())).toEqual([]);
  });

  test('names its arguments', () => {
    for (const argument of create().registeredArguments) expect(argument.name()).toMatch(/^[a-z]{2}/);
  });

  test('has options with a long name, and names of values where there are values', () => {
    for (const { long, required, optional, flags } of create().options) {
      expect(long).toMatch(/^--[a-z]/);
      expect(/[<[]/.test(flags)).toBe(required || optional);
    }
  });
});

test.each([
  ['fuse', fuseCommand, '--dtype', 'float32', undefined],
  ['run', runCommand, '--mode', 'eval', ['eval', 'train']],
  ['run', runCommand, '--dtype', undefined, ['float32', 'float64']],
  ['bench', benchCommand, '--batch', [1], undefined],
] as const)('%s %# has the default and the choices of an option', (_, create, name, value, choices) => {
  const option = create().options.find(({ long }) => long === name);
  expect([option?.defaultValue, option?.argChoices]).toEqual([value, choices]);
});
