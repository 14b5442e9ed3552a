import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { hosted, PATIENCE, printed, vanillanet, type Outcome } from './commandLine.js';
import { onScreen } from './screen.js';

const path = temporaryFolder();
const inHost = hosted();

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  download: ['<name>', '--format', '--output', '--url', '--force'],
  train: [
    '--data',
    '--output',
    '--dims',
    '--strides',
    '--ada-pool',
    '--act-num',
    '--drop-rate',
    '--size',
    '--epochs',
    '--decay-epochs',
    '--lambda-schedule',
    '--batch-size',
    '--grad-accum-steps',
    '--warmup-lr',
    '--betas',
    '--eps',
    '--nesterov',
    '--mixup-prob',
    '--mixup-switch-prob',
    '--crop-interpolation',
    '--lr',
    '--weight-decay',
    '--smoothing',
    '--seed',
    '--limit',
    '--val-limit',
    '--val-split',
    '--cache',
    '--on-bad-image',
    '--backend',
    '--threads',
    '--build',
    '--json',
  ],
  fuse: ['<in>', '<out>', '--verify', '--config', '--lambda', '--probe-size', '--dtype', '--json'],
  pack: ['<in>', '<out>', '--dtype', '--shard', '--probe', '--data', '--seed', '--config', '--json'],
  eval: [
    '--weights',
    '--data',
    '--split',
    '--val-split',
    '--batch-size',
    '--top',
    '--confusion',
    '--limit',
    '--seed',
    '--config',
    '--backend',
    '--threads',
    '--build',
    '--json',
  ],
  plot: ['<run...>', '--output', '--title'],
  classify: [
    ...['<image...>', '--weights', '--backend', '--threads', '--build', '--top', '--config', '--json'],
    ...['--variant', '--lambda', '--no-ema', '--key'],
  ],
  diff: [
    '--weights',
    '--input',
    '--backends',
    '--dump',
    '--build',
    '--lambda',
    '--seed',
    '--html',
    '--config',
    '--json',
  ],
  summary: ['[variant]', '--weights', '--config', '--form', '--size', '--num-classes', '--json'],
  bench: ['[variant]', '--weights', '--config', '--build', '--threads', '--batch', '--runs', '--json'],
  plan: [
    '[variant]',
    '--weights',
    '--config',
    '--size',
    '--batch',
    '--dtype',
    '--cpu-ms',
    '--cpu-factor',
    '--platforms',
    '--json',
  ],
  run: [
    '--weights',
    '--input',
    '--output',
    '--backend',
    '--threads',
    '--build',
    '--lambda',
    '--mode',
    '--dtype',
    '--config',
    '--json',
  ],
};

const helpOn = async (columns: number | undefined, command: string): Promise<string> =>
  (await onScreen(columns, [...(command === '' ? [] : [command]), '--help'])).stdout;

describe('help', () => {
  const outcomes = new Map<string, Promise<Outcome>>();
  /** What `--help` of a command prints, to no terminal. */
  function helpOf(command: string): Promise<Outcome> {
    const outcome = outcomes.get(command) ?? inHost([command, '--help'], path());
    outcomes.set(command, outcome);
    return outcome;
  }

  test.each(Object.entries(OPTIONS))(
    '%s --help names its options',
    async (command, options) => {
      const { status, stdout: text, stderr } = await helpOf(command);
      expect([status, stderr]).toEqual([0, '']);
      expect(options.filter((option) => !text.includes(option))).toEqual([]);
    },
    PATIENCE,
  );

  test.each(Object.keys(OPTIONS))(
    '%s --help has one line an option, of at most 110 columns',
    async (command) => {
      const { stdout } = await helpOf(command);
      expect(stdout.split('\n').filter((line) => line.length > 110)).toEqual([]);
      // A text that does not fit continues on a line of its own, which begins with many spaces.
      expect(stdout.split('\n').filter((line) => /^ {12,}\S/.test(line))).toEqual([]);
    },
    PATIENCE,
  );

  test.each(['', ...Object.keys(OPTIONS)])('%s --help fits 40, 60 and 80 columns', async (command) => {
    const whole = await helpOn(undefined, command);
    for (const columns of [40, 60, 80]) {
      const text = await helpOn(columns, command);
      expect(text.split('\n').filter((line) => line.length >= columns)).toEqual([]);
      expect(text.split(/\s+/).sort()).toEqual(whole.split(/\s+/).sort());
    }
  });

  test(
    '--help names every command',
    async () => {
      const text = await printed(['--help'], path(), inHost);
      expect(Object.keys(OPTIONS).filter((command) => !text.includes(`\n  ${command} `))).toEqual([]);
    },
    PATIENCE,
  );

  test(
    '--version prints the version of the package',
    async () => {
      const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
      expect(await printed(['--version'], path())).toBe(`${version}\n`);
    },
    PATIENCE,
  );
});

describe('a usage error has exit status 2 and a line that names it', () => {
  const cases: [string[], string][] = [
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['help', 'frobnicate'], "unknown command 'frobnicate'"],
    [['summary', '--frobnicate'], "unknown option '--frobnicate'"],
    [['summary', 'vanillanet_5', 'vanillanet_6'], 'too many arguments'],
    [['run'], "required option '-w, --weights <file>' not specified"],
    [['classify', '-w', 'x.safetensors'], "missing required argument 'image'"],
    [['fuse', 'x.safetensors'], "missing required argument 'out'"],
    [['classify', '-w', 'x', 'y', '--backend', 'cuda'], 'Allowed choices are wasm, reference, tfjs, tfjs:<engine>'],
    [['classify', '-w', 'x', 'y', '--top', '0'], 'Expected an integer >= 1.'],
    [['download', 'imagenet'], 'Allowed choices are cifar10, cifar100.'],
    [['eval', '-w', 'x'], "required option '-d, --data <what>' not specified"],
    [['eval', '-w', 'x', '-d', 'y', '--confusion', 'z.png'], 'Expected a file that ends in .csv, .svg, .json.'],
    [['eval', '-w', 'x', '-d', 'y', '--split', 'dev'], 'Allowed choices are train, val, test.'],
    [['plot'], "missing required argument 'run'"],
    [['plot', 'x', '-o', 'y.pdf'], 'Expected a file that ends in .svg, .html.'],
    [['train', '--dims', '16,x'], 'Expected an integer >= 1.'],
    [['bench', '--threads', '1,0'], "Expected an integer from 1 to 256, or 'auto'."],
    [['bench', '--build', 'fast'], 'Allowed choices are auto, plain, relaxed.'],
    [['train', '--epochs', ''], 'Expected an integer >= 1.'],
    [['train', '--batch-size', '1'], 'Expected an integer >= 2.'],
    [['train', '--random-resized-crop', '0.1,0.5,0.9'], 'Expected 1 to 2 numbers.'],
    [['train', '--betas', '0.9'], 'Expected 2 numbers.'],
    [['train', '--crop-pct', '1.2'], 'Expected a number in (0, 1].'],
    [['train', '--image-size', '3'], 'Expected a size such as 32 or 224x160, at least 8 a side.'],
    [['train', '--lr', 'fast'], 'Expected a number > 0.'],
    [['pack', 'x', 'y'], "required option '-d, --dtype <type>' not specified"],
    [['fuse', 'x', 'y', '--lambda', '1.5'], 'Expected a number in [0, 1].'],
    [['summary', '--size', '3x4x5'], 'Expected a size such as 224 or 224x160, at most 65535 a side.'],
  ];
  test.each(cases)(
    '%j',
    async (args, message) => {
      const { status, stdout, stderr } = await inHost(args, path());
      expect([status, stdout]).toEqual([2, '']);
      const [first, ...rest] = stderr.split('\n');
      expect(first).toMatch(/^error: /);
      expect(first).toContain(message);
      expect(rest).toEqual(['Try --help.', '']);
    },
    PATIENCE,
  );

  test(
    'without arguments, prints the help',
    async () => {
      const { status, stderr } = await vanillanet([], path());
      expect(status).toBe(2);
      expect(stderr).toContain('Usage: vanillanet');
    },
    PATIENCE,
  );
});
