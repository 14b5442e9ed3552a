/** The help and the errors of `npm run setup:tfjs-node`. */
import { expect, test } from '@jest/globals';
import { commandLine } from '../../scripts/tfjsNode/commandLine.js';

async function setup(...parameters: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr]: string[][] = [[], []];
  const status = await commandLine(parameters, {
    log: (line) => stdout.push(line),
    logError: (line) => stderr.push(line),
  });
  return { status, stdout: stdout.join('\n'), stderr: stderr.join('\n') };
}

test('help lists the options', async () => {
  const { status, stdout } = await setup('--help');
  expect(status).toBe(0);
  for (const word of ['--gpu', '--libtensorflow', '--force', 'docs/tfjs-node.md']) expect(stdout).toContain(word);
});

test.each([
  ['--cuda', "unknown option '--cuda'"],
  ['cpu', 'too many arguments'],
])('%s is a usage error', async (parameter, words) => {
  const { status, stderr } = await setup(parameter);
  expect(status).toBe(2);
  expect(stderr).toContain(words);
});

test.each([
  ['nowhere', 'nowhere, which does not exist'],
  ['package.json', 'package.json'],
])('%s is not a libtensorflow', async (source, got) => {
  // --force: an existing build would end the setup early.
  const { status, stdout, stderr } = await setup('--force', '--libtensorflow', source);
  const line = `setup:tfjs-node: --libtensorflow: expected a folder, a .whl file, or pip, got ${got}. `;
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: `${line}Check the path, or pass pip to download a wheel.`,
  });
});
