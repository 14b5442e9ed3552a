import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { planCommand } from '../../src/cli/plan.js';
import { memoryPlan } from '../../src/wasm/inference/memoryPlan.js';
import type { PlanReport } from '../../src/cli/planReport.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { hosted, PATIENCE } from './commandLine.js';
import { printedBy } from './pets.js';

const path = temporaryFolder();
const inHost = hosted();

const SMALL = { dims: [4, 8], strides: [2], num_classes: 3, input_size: 16, act_num: 1 };
const CIFAR = 'models/vanillanet-cifar10.safetensors';

async function text(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await inHost(['plan', ...args], path());
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

const report = async (...args: string[]): Promise<PlanReport> =>
  JSON.parse(await text(...args, '--json')) as PlanReport;

function on({ platforms }: PlanReport, name: string): PlanReport['platforms'][number] {
  const row = platforms.find(({ platform }) => platform.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
}

beforeAll(async () => {
  await copyFile(CIFAR, path('cifar.safetensors'));
  await writeFile(path('small.json'), JSON.stringify(SMALL));
  await writeFile(
    path('rows.json'),
    JSON.stringify({
      platforms: [
        { name: 'Netlify Edge', date: '2030-01-02', source: 'https://example.org', memory_bytes: 1000, cpu_ms: 1000 },
        {
          name: 'here',
          date: '2030-01-02',
          source: 'https://example.org',
          memory_bytes: 2 ** 30,
          price: { usd_per_million_cpu_ms: 1 },
        },
      ],
    }),
  );
  await writeFile(path('wrong.json'), JSON.stringify({ platforms: [{ name: 'here', cost: 1 }] }));
});

describe('VanillaNet-5', () => {
  test(
    'at the CPU time of the README, fits the platforms with more than 50 ms',
    async () => {
      const result = await report('--cpu-ms', '211');
      expect(result).toMatchObject({ network: 'vanillanet_5', input: [3, 224, 224], macs: 5_161_185_280 });
      expect(result.file).toEqual({ dtype: 'float32', bytes: 4 * 15_523_304, shards: 3 });
      for (const name of ['Cloudflare free', 'Netlify Edge', 'Fastly Compute']) {
        expect(on(result, name)).toMatchObject({ fits: false, memory_bytes: { fits: true }, cpu_ms: { fits: false } });
      }
      const paid = on(result, 'Cloudflare paid');
      expect(paid).toMatchObject({ fits: true, weights_bytes: { files: 3 } });
      // 0.30 + 211 · 0.02; and 5 + 181 · 0.02
      expect(paid.usd?.further_million).toBeCloseTo(4.52, 9);
      expect(paid.usd?.first_million).toBeCloseTo(8.62, 9);
      expect(on(result, 'AWS Lambda arm64').fits).toBe(true);
    },
    PATIENCE,
  );

  test(
    'needs the memory of memoryPlan in pages, its images and JavaScript',
    async () => {
      const { bytes, file } = await report('--cpu-ms', '1', '--batch', '3', '--size', '160x96', '--dtype', 'int8');
      expect((await report('--cpu-ms', '1', '--dtype', 'f16')).file.dtype).toBe('float16');
      const plan = memoryPlan({ variant: 'vanillanet_5' }, { batch: 3, size: [160, 96], dtype: 'int8' });
      expect(bytes).toMatchObject({ weights: plan.weights, total: plan.total, batch: plan.batch });
      expect(bytes.needed).toBe(65536 * Math.ceil(plan.total / 65536) + plan.batch + bytes.javascript);
      expect(file).toEqual({ dtype: 'int8', bytes: plan.file, shards: 1 });
    },
    PATIENCE,
  );

  test(
    'fits into 128 MiB, but not with bodies, decoder and pixels',
    async () => {
      const alone = await report('--cpu-ms', '211');
      const withAllowance = await report('--cpu-ms', '211', '--allowance', '92');
      expect(withAllowance.bytes.needed - alone.bytes.needed).toBe(92 * 2 ** 20);
      expect(withAllowance.bytes.allowance).toBe(92 * 2 ** 20);
      expect(on(alone, 'Cloudflare paid').memory_bytes.fits).toBe(true);
      expect(on(withAllowance, 'Cloudflare paid').memory_bytes.fits).toBe(false);
      expect(on(withAllowance, 'Netlify Edge').memory_bytes.fits).toBe(true);
    },
    PATIENCE,
  );
});

/** Reads a clock by which every measurement takes a second. */
function clockThatJumps(): void {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => (now += 600));
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the network of the package', () => {
  test(
    'measured here, fits all platforms with WebAssembly',
    async () => {
      clockThatJumps();
      const result = JSON.parse(
        await printedBy(planCommand(), ['-w', path('cifar.safetensors'), '--json']),
      ) as PlanReport;
      expect(result.cpu.ms).toBeGreaterThan(0);
      expect(result.cpu.measured?.cpu).not.toBe('');
      expect(result.file).toEqual({ dtype: 'as stored', bytes: (await stat(CIFAR)).size, shards: 1 });
      const small = await report('-w', 'cifar.safetensors', '--cpu-ms', '2');
      const unfit = small.platforms.filter(({ fits }) => !fits);
      expect(unfit.map(({ platform }) => platform.name)).toEqual(['Fastly Compute']);
      expect(on(small, 'Fastly Compute').cpu_ms.fits).toBe(true);
    },
    PATIENCE,
  );

  test(
    'is planned in another type',
    async () => {
      const { file } = await report('-w', 'cifar.safetensors', '--cpu-ms', '2', '--dtype', 'float32');
      expect(file.dtype).toBe('float32');
      // The file has float16 and a header.
      const { size } = await stat(CIFAR);
      expect(file.bytes / 2).toBeLessThan(size);
      expect(file.bytes / 2).toBeGreaterThan(0.98 * size);
    },
    PATIENCE,
  );
});

test(
  'a factor multiplies the CPU time in limits and costs',
  async () => {
    const result = await report('-c', 'small.json', '--cpu-ms', '20', '--cpu-factor', '3');
    expect(result.cpu).toEqual({ ms: 20, factor: 3, measured: null });
    expect(result).toMatchObject({ network: 'dims 4,8', input: [3, 16, 16], bytes: { javascript: 5 * 2 ** 20 } });
    expect(on(result, 'Netlify Edge').cpu_ms).toEqual({ needed: 60, limit: 50, fits: false });
    expect(on(result, 'Cloudflare paid').usd?.further_million).toBeCloseTo(0.3 + 60 * 0.02, 9);
  },
  PATIENCE,
);

test(
  'a file replaces rows, and adds new ones at the end',
  async () => {
    const result = await report('-c', 'small.json', '--cpu-ms', '20', '--platforms', 'rows.json');
    expect(on(result, 'Netlify Edge')).toMatchObject({ fits: false, memory_bytes: { limit: 1000, fits: false } });
    expect(result.platforms[0].platform.name).toBe('Cloudflare free');
    expect(result.platforms.at(-1)).toMatchObject({ fits: true, platform: { name: 'here' } });
    expect(result.platforms.at(-1)?.usd?.further_million).toBeCloseTo(20, 9);
  },
  PATIENCE,
);

test(
  'weights of the train form have the size that they have after fusion',
  async () => {
    const config = drawnConfig('train');
    await writeWeights(path('train.safetensors'), drawnState(config), config);
    const { file, input } = await report('-w', 'train.safetensors', '--cpu-ms', '1');
    expect(file).toEqual({ dtype: 'float32', bytes: memoryPlan({ ...config, form: 'deploy' }).file, shards: 1 });
    expect(input).toEqual([3, 16, 20]);
  },
  PATIENCE,
);

describe('measures in this process', () => {
  test.each([
    ['random weights', () => ['-c', path('small.json')]],
    ['those of a file', () => ['-w', path('small.safetensors')]],
  ])('%s', async (_, args) => {
    const config = drawnConfig('deploy');
    await writeWeights(path('small.safetensors'), drawnState(config), config);
    clockThatJumps();
    const { cpu } = JSON.parse(await printedBy(planCommand(), [...args(), '--json'])) as PlanReport;
    expect(cpu.ms).toBeGreaterThanOrEqual(0);
    expect(cpu.measured).toEqual({
      cpu: cpus()[0].model,
      cores: cpus().length,
      node: process.versions.node,
      load: expect.any(Number) as unknown,
      build: expect.stringMatching(/^(plain|relaxed)$/) as unknown,
    });
  });
});

describe('as text', () => {
  test(
    'has tables of at most 80 columns',
    async () => {
      const report = await text('--cpu-ms', '211');
      expect(report.split('\n').filter((line) => / {2}/.test(line) && line.length > 80)).toEqual([]);
      expect(report).toContain('vanillanet_5, deploy form, [3,224,224], one image a request\n');
      expect(report).toMatch(/^Cloudflare free +yes: 128 MiB +yes: 3 shards +no: 10 ms +-$/m);
      expect(report).toMatch(/^Cloudflare paid +yes: 128 MiB +yes: 3 shards +yes: 30 s +4\.52$/m);
      expect(report).toMatch(/^Netlify Edge +yes: 512 MiB +no: 20 MB +no: 50 ms +no list price$/m);
      expect(report).toContain('CPU time: 211 ms an image, from --cpu-ms\n');
      expect(report).toContain('The memory is that of the network alone.');
      const withAllowance = await text('--cpu-ms', '211', '--allowance', '92');
      expect(withAllowance).toMatch(/^allowance +96,468,992$/m);
      expect(withAllowance).not.toContain('The memory is that of the network alone');
      expect(report).toContain('Limits and prices as of 2026-11-24:');
    },
    PATIENCE,
  );

  test(
    'describes the machine of the measurement',
    async () => {
      clockThatJumps();
      const output = await printedBy(planCommand(), ['-c', path('small.json'), '--cpu-factor', '2']);
      const report = output.replace(/\n +/g, ' ');
      expect(report).toMatch(
        /CPU time: \S+ ms an image, measured here, times 2: one thread, \w+ build, warm, on .+, Node 2\d/,
      );
      expect(report).toContain("A platform's processor may be slower: set --cpu-factor.");
    },
    PATIENCE,
  );
});

describe('refuses', () => {
  const cases: [args: string[], message: string][] = [
    [['vanillanet_5', '-c', 'small.json'], 'ParamError: plan: expected a variant, --weights or --config'],
    [['-w', 'absent.safetensors'], 'WeightsError: absent.safetensors: expected a readable file, got no such file'],
    [['--platforms', 'absent.json'], 'ParamError: absent.json: expected a readable file, got no such file'],
    [['--platforms', 'wrong.json'], 'ParamError: wrong.json: platforms[0].cost: expected one of the keys name, date'],
    [['-c', 'small.json', '--size', '4', '--cpu-ms', '1'], 'ShapeError'],
  ];
  test.each(cases)(
    '%j',
    async (args, message) => {
      const { status, stdout, stderr } = await inHost(['plan', ...args], path());
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain(message);
    },
    PATIENCE,
  );

  test.each([
    [['--dtype', 'bfloat16'], 'Allowed choices are f16, f32, float32, float16, int8.'],
    [['--cpu-ms', '-1'], 'Expected a number >= 0.'],
    [['--batch', '0'], 'Expected an integer >= 1.'],
    [['--allowance', '-1'], 'Expected a number >= 0.'],
  ])(
    '%j, as a usage error',
    async (args, message) => {
      const { status, stderr } = await inHost(['plan', ...args], path());
      expect(status).toBe(2);
      expect(stderr).toContain(message);
    },
    PATIENCE,
  );
});
