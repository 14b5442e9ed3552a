/** What `download` prints, in process and from a server of this test. */
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SingleBar } from 'cli-progress';
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile, mkdir } from 'node:fs/promises';
import { downloadCommand } from '../../src/cli/download.js';
import { DOWNLOADS } from '../../src/data/sets/download.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { plain } from './screen.js';

const path = temporaryFolder();
const BYTES = new Uint8Array(4_000_000).fill(7);
const FILE = 'cifar-100-python.tar.gz';

/** What the command prints. */
let output = { stdout: '', stderr: '' };

/** Sends the second half when the line of the first one is there, or after seconds without it. */
function sendHalves(response: ServerResponse): void {
  const half = BYTES.length / 2;
  let polls = 0;
  response.writeHead(200, { 'content-length': BYTES.length }).write(BYTES.subarray(0, half));
  const timer = setInterval(() => {
    if (!output.stderr.includes('2.0/4.0 MB') && ++polls < 500) return;
    clearInterval(timer);
    response.end(BYTES.subarray(half));
  }, 10);
}

/** Sends the bytes, at `/sized` with their number and from any byte on. */
const server = createServer(({ url, headers }, response) => {
  if (url === '/halves') {
    sendHalves(response);
    return;
  }
  const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
  const range = { 'content-range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` };
  const length = { 'content-length': BYTES.length - from };
  response.writeHead(from > 0 ? 206 : 200, { ...(from > 0 ? range : {}), ...(url === '/sized' ? length : {}) });
  response.end(BYTES.subarray(from));
});
let address = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const { isTTY } = process.stderr;
afterEach(() => {
  jest.restoreAllMocks();
  process.stderr.isTTY = isTTY;
});

/** Downloads into a folder. @param isExpected whether the bytes have the MD5 of the data set */
async function run(folder: string, url: string, { isExpected = true, isTerminal = false, force = false } = {}) {
  output = { stdout: '', stderr: '' };
  process.stderr.isTTY = isTerminal;
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  }
  const start = jest.spyOn(SingleBar.prototype, 'start');
  const stop = jest.spyOn(SingleBar.prototype, 'stop');
  const md5 = createHash('md5').update(BYTES).digest('hex');
  if (isExpected) jest.replaceProperty(DOWNLOADS.cifar100, 'python', { ...DOWNLOADS.cifar100.python, md5 });
  const args = ['cifar100', '-o', path(folder), '--url', `${address}${url}`, ...(force ? ['--force'] : [])];
  const error: unknown = await downloadCommand()
    .parseAsync(args, { from: 'user' })
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  /** The total of each bar that was started, and whether it was removed. */
  const bars = { totals: start.mock.calls.map(([total]) => total), isStopped: stop.mock.calls.length > 0 };
  // A bar that was left would draw over the output of later tests.
  for (const bar of start.mock.contexts) (bar as SingleBar).stop();
  jest.restoreAllMocks();
  return { ...output, lines: output.stdout.split('\n').slice(0, -1), error, bars };
}

describe('where there is no terminal', () => {
  test('prints a line for every tenth at most, of a known size', async () => {
    const { lines, error } = await run('sized', '/sized', { isExpected: false });
    expect(error).toMatchObject({ expected: expect.stringMatching(/^md5 /) });
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.length).toBeLessThanOrEqual(11);
    const shares = lines.map((line) => Number(/^cifar-100-python\.tar\.gz {2}(\d\.\d) of 4\.0 MB$/.exec(line)?.[1]));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(4);
  });

  test('prints a line for every 20 MB, of an unknown size', async () => {
    const { lines } = await run('chunked', '/chunked', { isExpected: false });
    expect(lines).toEqual([expect.stringMatching(/^cifar-100-python\.tar\.gz {2}\d\.\d of \? MB$/)]);
  });
});

test('the last line tells whether the file was downloaded, continued or present', async () => {
  const last = async (more: object = {}) => (await run('whole', '/sized', more)).lines.at(-1);
  expect(await last()).toBe(`${path('whole', FILE)}  4.0 MB, downloaded, MD5 verified`);
  expect(await last()).toBe(`${path('whole', FILE)}  4.0 MB, already present, MD5 verified`);
  expect(await last({ force: true })).toBe(`${path('whole', FILE)}  4.0 MB, downloaded, MD5 verified`);
  await mkdir(path('part'));
  await writeFile(path('part', `${FILE}.part`), BYTES.subarray(0, 1_000_000));
  const { lines } = await run('part', '/sized');
  expect(lines.at(-1)).toBe(`${path('part', FILE)}  4.0 MB, resumed after 1.0 MB, MD5 verified`);
});

describe('on a terminal', () => {
  test('shows a bar with the time that is left, and its end', async () => {
    const { stderr, lines, bars } = await run('terminal', '/sized', { isTerminal: true });
    const text = plain(stderr);
    expect(text).toMatch(/cifar-100-python\.tar\.gz .* 4\.0\/4\.0 MB .*left/);
    expect(text).toContain('100%');
    expect(lines).toHaveLength(1);
    expect(bars).toEqual({ totals: [4_000_000], isStopped: true });
  });

  test('shows the share that has arrived', async () => {
    const { stderr } = await run('halves', '/halves', { isTerminal: true });
    expect(plain(stderr)).toContain(' 50%  2.0/4.0 MB');
  });

  test('shows no share of an unknown size', async () => {
    const { stderr, bars } = await run('unknown', '/chunked', { isTerminal: true });
    expect(plain(stderr)).toMatch(/\d\.\d\/\? MB/);
    expect(plain(stderr)).not.toMatch(/left|%|MB /);
    expect(bars).toEqual({ totals: [0], isStopped: true });
  });

  test('removes the bar of a download that fails', async () => {
    const { error, bars } = await run('failed', '/sized', { isTerminal: true, isExpected: false });
    expect(error).toMatchObject({ expected: expect.stringMatching(/^md5 /) });
    expect(bars).toEqual({ totals: [4_000_000], isStopped: true });
  });
});
