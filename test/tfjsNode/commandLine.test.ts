/** What `npm run setup:tfjs-node` says to those who ask for what it cannot do. */
import { expect, test } from '@jest/globals';
import { commandLine } from '../../scripts/tfjsNode/commandLine.js';

async function setup(...parameters: readonly string[]): Promise<{ status: number; said: string; complaint: string }> {
  const [said, complaint]: string[][] = [[], []];
  const status = await commandLine(parameters, {
    say: (line) => said.push(line),
    complain: (line) => complaint.push(line),
  });
  return { status, said: said.join('\n'), complaint: complaint.join('\n') };
}

test('help tells the options', async () => {
  const { status, said } = await setup('--help');
  expect(status).toBe(0);
  for (const word of ['--gpu', '--libtensorflow', '--force', 'docs/tfjs-node.md']) expect(said).toContain(word);
});

test.each([
  ['--cuda', "unknown option '--cuda'"],
  ['cpu', 'too many arguments'],
])('%s is no use of it', async (parameter, words) => {
  const { status, complaint } = await setup(parameter);
  expect(status).toBe(2);
  expect(complaint).toContain(words);
});

test.each([
  ['nowhere', 'nowhere, which is not there'],
  ['package.json', 'package.json'],
])('%s is no libtensorflow', async (source, got) => {
  // Nothing is looked for that may have been built here.
  const { status, said, complaint } = await setup('--force', '--libtensorflow', source);
  const line = `setup:tfjs-node: --libtensorflow: expected a folder, a file .whl, or pip, got ${got}. `;
  expect({ status, said, complaint }).toEqual({
    status: 1,
    said: '',
    complaint: `${line}Check the path; pip downloads a wheel`,
  });
});
