/** The text of `plan`, from numbers: units, verdicts, notes. */
import { describe, expect, test } from '@jest/globals';
import { format, type PlanReport } from '../../src/cli/planReport.js';
import type { Fit } from '../../src/deploy/fit.js';

type Platform = Fit['platform'];

const platform: Platform = {
  ...{ name: 'here', date: '2030-01-02', source: 'https://example.org', note: null, webassembly: true },
  ...{ memory_bytes: 2 ** 27, min_memory_bytes: 0, runtime_bytes: 0, whole_cpu_bytes: null },
  ...{ asset_bytes: 2e7, code_bytes: null, cpu_ms: 50, price: null },
};

const fitOf = (values: Partial<Fit> = {}, target: Partial<Platform> = {}): Fit => ({
  fits: true,
  memory_bytes: { needed: 1, limit: 2 ** 27, fits: true, chosen: null },
  weights_bytes: { needed: 1, limit: 2e7, fits: true, where: 'assets', files: 1 },
  cpu_ms: { needed: 10, limit: 50, fits: true },
  usd: null,
  platform: { ...platform, ...target },
  ...values,
});

const report: PlanReport = {
  network: 'vanillanet_5',
  input: [3, 224, 160],
  batch: 1,
  macs: 5_161_185_280,
  bytes: {
    ...{ weights: 1_000_000, activations: 2, scratch: 3, total: 4, batch: 5 },
    ...{ javascript: 6, allowance: 7, needed: 8_388_608 },
  },
  file: { dtype: 'int8', bytes: 1234, shards: 1 },
  cpu: { ms: 211.26, factor: 1, measured: null },
  platforms: [fitOf()],
};
const lines = (values: Partial<PlanReport> = {}): string[] => format({ ...report, ...values }).split('\n');
/** The text without line breaks inside of paragraphs. */
const flowing = (values: Partial<PlanReport> = {}): string => lines(values).join('\n').replace(/\n +/g, ' ');
const row = (fit: Fit): string[] => {
  const found = lines({ platforms: [fit] }).find((line) => line.startsWith(`${fit.platform.name} `)) ?? '';
  return found.split(/ {2,}/);
};

describe('the head', () => {
  test('names network, input and images a request', () => {
    expect(lines()[0]).toBe('vanillanet_5, deploy form, [3,224,160], one image a request');
    expect(lines({ batch: 4 })[0]).toBe('vanillanet_5, deploy form, [3,224,160], 4 images a request');
  });

  test('lists the parts of the memory', () => {
    expect(
      lines()
        .slice(1, 13)
        .map((line) => line.replace(/ {2,}/g, '|')),
    ).toEqual([
      ...['', 'memory|bytes', 'weights|1,000,000', 'activations|2', 'scratch, one thread|3', 'WebAssembly in total|4'],
      ...['images and logits|5', 'JavaScript (estimate)|6', 'allowance|7', 'needed|8,388,608', ''],
      '5,161,185,280 multiply-adds an image',
    ]);
  });

  test('says what the memory leaves out only without an allowance', () => {
    const note =
      'The memory is that of the network alone. Request bodies, a decoder and its pixels are not included: up to 92 MiB in examples/cloudflare-worker. Add them with --allowance.';
    expect(flowing()).not.toContain('network alone');
    expect(flowing({ bytes: { ...report.bytes, allowance: 0 } })).toContain(note);
  });

  test('describes the weight file', () => {
    expect(lines()).toContain('weight file int8: 1,234 bytes, 1 shard of at most 24 MiB');
    expect(lines({ file: { ...report.file, shards: 3 } })).toContain(
      'weight file int8: 1,234 bytes, 3 shards of at most 24 MiB',
    );
  });
});

describe('the CPU time', () => {
  test.each([
    [0.5, '0.5 ms'],
    [211.26, '211 ms'],
    [999, '999 ms'],
    [1000, '1 s'],
    [59_999, '60 s'],
    [60_000, '1 min'],
    [90_000, '1.5 min'],
  ])('of %d ms is %s', (ms, text) => {
    expect(lines({ cpu: { ms, factor: 1, measured: null } })).toContain(`CPU time: ${text} an image, from --cpu-ms`);
  });

  test('tells its factor', () => {
    expect(lines({ cpu: { ms: 2, factor: 3, measured: null } })).toContain(
      'CPU time: 2 ms an image, from --cpu-ms, times 3',
    );
  });

  test('tells the machine of a measurement', () => {
    const measured = { cpu: ' A CPU ', cores: 2, node: '20.1.0', load: 0.25, build: 'plain' };
    expect(flowing({ cpu: { ms: 2, factor: 1, measured } })).toContain(
      'CPU time: 2 ms an image, measured here: one thread, plain build, warm, on A CPU, 2 cores, Node 20.1.0, load 0.3. ' +
        "A platform's processor may be slower: set --cpu-factor. Decoding and scaling of images and the slower first run are not included.",
    );
    expect(flowing({ cpu: { ms: 2, factor: 1.5, measured } })).toContain('measured here, times 1.5: one thread');
  });
});

describe('the row of a platform', () => {
  test('has its limits, with verdicts', () => {
    expect(row(fitOf())).toEqual(['here', 'yes: 128 MiB', 'yes: 20 MB', 'yes: 50 ms', 'no list price']);
    const memory_bytes = { needed: 1, limit: 2 ** 30, fits: false, chosen: null };
    expect(row(fitOf({ fits: false, memory_bytes }, { memory_bytes: 2 ** 31 }))[1]).toBe('no: 2 GiB');
    expect(row(fitOf({}, { memory_bytes: 1_234_567 }))[1]).toBe('yes: 1.23 MB');
    expect(row(fitOf({}, { memory_bytes: 1_234_000_000 }))[1]).toBe('yes: 1,234 MB');
  });

  test('has the number of shards, or no limit', () => {
    const weights = { needed: 1, limit: 2e7, fits: true, where: 'assets', files: 3 } as const;
    expect(row(fitOf({ weights_bytes: weights }))[2]).toBe('yes: 3 shards');
    expect(row(fitOf({ weights_bytes: { ...weights, limit: null } }))[2]).toBe('no stated limit');
    expect(row(fitOf({ weights_bytes: { ...weights, files: 1, fits: false } }))[2]).toBe('no: 20 MB');
    expect(row(fitOf({ cpu_ms: { needed: 1, limit: null, fits: true } }))[3]).toBe('no stated limit');
    expect(row(fitOf({ cpu_ms: { needed: 1, limit: 30_000, fits: false } }))[3]).toBe('no: 30 s');
  });

  test('has a price where the network fits', () => {
    const usd = { further_million: 4.515, first_million: 8 };
    expect(row(fitOf({ usd }))[4]).toBe('4.51');
    expect(row(fitOf({ usd: { further_million: 3, first_million: 3 } }))[4]).toBe('3.00');
    expect(row(fitOf({ usd, fits: false }))[4]).toBe('-');
    expect(row(fitOf({ usd }, { webassembly: false }))[4]).toBe('no WebAssembly');
  });
});

describe('notes', () => {
  const notes = (...platforms: Fit[]): string => {
    const text = flowing({ platforms });
    return text.slice(text.lastIndexOf('\n\n') + 2);
  };

  test('end with the dates of limits and prices, each once and in order', () => {
    const text = notes(fitOf(), fitOf({}, { name: 'there', date: '2029-12-31' }), fitOf({}, { name: 'too' }));
    expect(text).toBe(
      'USD a million: list price of one more million images beyond those included in the plan, without traffic and storage. ' +
        'Limits and prices as of 2029-12-31, 2030-01-02: --json has the sources, --platforms replaces them.',
    );
    const large = { ...fitOf().weights_bytes, fits: false };
    // Whether on all platforms or on one.
    expect(notes(fitOf({ weights_bytes: large }))).toContain(' Weights that do not fit');
    expect(notes(fitOf(), fitOf({ weights_bytes: large }))).toMatch(
      /replaces them\. Weights that do not fit can be fetched from another server\.$/,
    );
  });

  test('that are the same for several platforms are printed once', () => {
    const text = notes(
      fitOf({}, { note: 'slow' }),
      fitOf({}, { name: 'there', note: 'slow' }),
      fitOf({}, { name: 'x', note: 'fast' }),
    );
    expect(text).toMatch(/^here, there: slow\nx: fast\nUSD a million/);
  });

  test('tell the price of the first million if it differs', () => {
    const usd = { further_million: 1, first_million: 6 };
    expect(notes(fitOf({ usd }))).toMatch(/^here: a month with one million images costs 6\.00, plan included\n/);
    expect(notes(fitOf({ usd: { ...usd, first_million: 1 } }))).toMatch(/^USD/);
    expect(notes(fitOf({ usd, fits: false }))).toMatch(/^USD/);
    expect(notes(fitOf({ usd }, { note: 'slow' }))).toMatch(/^here: slow; a month with/);
  });

  test('tell the time on a share of a processor', () => {
    const memory_bytes = { needed: 1, limit: null, fits: true, chosen: 2 ** 29 };
    const cpu_ms = { needed: 40, limit: 50, fits: true };
    expect(notes(fitOf({ memory_bytes, cpu_ms }, { whole_cpu_bytes: 2 ** 30 }))).toMatch(
      /^here: 512 MiB have 50\.0% of a processor, so that a request takes 40 ms; with 1 GiB it takes 20 ms for about the same price\n/,
    );
    expect(notes(fitOf({ memory_bytes, cpu_ms }, { whole_cpu_bytes: 2 ** 29 }))).toMatch(/^USD/);
    expect(notes(fitOf({ memory_bytes, cpu_ms }))).toMatch(/^USD/);
    // No size of memory is chosen where it is fixed.
    expect(notes(fitOf({ cpu_ms }, { whole_cpu_bytes: 2 ** 30 }))).toMatch(/^USD/);
  });
});

test('the table of platforms has a head, and stands apart', () => {
  const all = lines({ platforms: [fitOf({}, { note: 'slow' })] });
  const head = all.findIndex((line) => line.startsWith('platform'));
  expect(all.slice(head - 2, head + 3).map((line) => line.replace(/ {2,}/g, '|'))).toEqual([
    'CPU time: 211 ms an image, from --cpu-ms',
    '',
    'platform|memory|weights|CPU time|USD a million',
    'here|yes: 128 MiB|yes: 20 MB|yes: 50 ms|no list price',
    '',
  ]);
  expect(all[head + 3]).toBe('here: slow');
});

test('notes are one line each, which a terminal breaks', () => {
  const note = 'word '.repeat(60).trim();
  expect(lines({ platforms: [fitOf({}, { note })] })).toContain(`here: ${note}`);
});

test('tables fit the terminal', () => {
  const narrow = format(report, 40).split('\n');
  expect(narrow).toContain('platform here');
  expect(narrow).toContain('  memory         yes: 128 MiB');
  expect(format(report, 80)).toBe(format(report));
});
