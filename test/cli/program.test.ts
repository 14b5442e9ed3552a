import { afterEach, expect, jest, test } from '@jest/globals';
import { main } from '../../src/cli/program.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a bug of the package is thrown as it is', async () => {
  const bug = new TypeError('a bug');
  jest.spyOn(process.stdout, 'write').mockImplementation(() => {
    throw bug;
  });
  await expect(main(['node', 'vanillanet', 'summary'])).rejects.toBe(bug);
});

/** What a command line prints. */
async function printedBy(...args: string[]): Promise<{ stdout: string; stderr: string; status: unknown }> {
  const text = { stdout: '', stderr: '' };
  const before = process.exitCode;
  const terminals = { stdout: process.stdout.isTTY, stderr: process.stderr.isTTY };
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].isTTY = false;
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      text[stream] += String(chunk);
      return true;
    });
  }
  process.exitCode = undefined;
  try {
    await main(['node', '/scripts/another.js', ...args]);
    return { ...text, status: process.exitCode };
  } finally {
    process.exitCode = before;
    for (const [stream, isTTY] of Object.entries(terminals)) process[stream as keyof typeof terminals].isTTY = isTTY;
    jest.restoreAllMocks();
  }
}

test('the help has the name and what the program is for, also as an error', async () => {
  const { stdout, stderr, status } = await printedBy('--help');
  expect(stdout).toMatch(/^Usage: vanillanet [^]*\n\nVanillaNet: train it deep, fuse it shallow, run it anywhere\.\n/);
  expect([stderr, status]).toEqual(['', 0]);
  expect(await printedBy()).toEqual({ stdout: '', stderr: stdout, status: 2 });
});

test('help of a command is its help; of an unknown one, its refusal', async () => {
  const { stdout: general } = await printedBy('--help');
  const { stdout } = await printedBy('summary', '--help');
  expect(await printedBy('help', 'summary')).toEqual({ stdout, stderr: '', status: 0 });
  expect(await printedBy('help')).toEqual({ stdout: general, stderr: '', status: 0 });
  expect(await printedBy('help', '--help')).toEqual({ stdout: general, stderr: '', status: 0 });
  expect(await printedBy('help', 'help')).toEqual({ stdout: '', stderr: general, status: 2 });
  for (const name of ['summarize', 'frobnicate-']) {
    const refused = await printedBy('help', name);
    expect(refused).toEqual(await printedBy(name));
    expect(refused.stderr).toContain(`unknown command '${name}'`);
    expect(refused.status).toBe(2);
  }
});
