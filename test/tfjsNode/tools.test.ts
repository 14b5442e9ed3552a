/** Machines that lack something, made of a PATH. */
import { afterAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { linesOf, throwAll } from '../../scripts/tfjsNode/setupError.js';
import { findTools } from '../../scripts/tfjsNode/tools.js';
import { program, removeScratch, scratch } from './scratch.js';

afterAll(removeScratch);

const ALL = { python: true, pip: true };

/** What is missing on a machine with these programs, by op and remedy. */
async function missing(scripts: Readonly<Record<string, string>>, needs = ALL, more = {}): Promise<string[][]> {
  const folder = scratch();
  for (const [name, script] of Object.entries(scripts)) program(join(folder, name), script);
  const found = await findTools(needs, { PATH: folder, ...more });
  return found.missing.map(({ op, got, remedy }) => [op, got, remedy.split(';')[0]]);
}

const NO_COMPILER = ['compiler', 'none', 'Install one: apt-get install g++'];
const NO_PYTHON = ['python', 'none', 'Install it: apt-get install python3 python3-pip'];

test('an empty machine lacks all of it, each with its remedy', async () => {
  expect(await missing({})).toEqual([NO_COMPILER, NO_PYTHON]);
});

test('a folder needs no Python', async () => {
  expect(await missing({}, { python: false, pip: false })).toEqual([NO_COMPILER]);
  expect(await missing({ 'clang++': '' }, { python: false, pip: false })).toEqual([]);
});

test('a wheel needs Python, but no pip', async () => {
  const scripts = { 'g++': '', python3: 'echo No module named pip; exit 1' };
  expect(await missing(scripts, { python: true, pip: false })).toEqual([]);
  const line = ['pip', 'No module named pip', 'Install it: apt-get install python3-pip'];
  expect(await missing(scripts)).toEqual([line]);
});

test('what is found is used: CXX before the PATH, the PATH in its order', async () => {
  const [first, second] = [scratch(), scratch()];
  const compiler = program(join(second, 'c++'), '');
  program(join(second, 'python3'), '');
  const python = program(join(first, 'python3'), '');
  const env = { PATH: `${first}:${second}` };
  expect((await findTools(ALL, env)).tools).toEqual({ compiler, python });
  const own = program(join(first, 'my-compiler'), '');
  expect((await findTools(ALL, { ...env, CXX: own })).tools.compiler).toBe(own);
  expect(await missing({ 'c++': '', python3: '' }, ALL, { CXX: 'gone' })).toEqual([
    ['compiler', 'CXX=gone, not there', NO_COMPILER[2]],
  ]);
});

test('all that is missing is told at once, in a line each', async () => {
  const { missing: problems } = await findTools(ALL, { PATH: '' });
  let thrown;
  try {
    throwAll(problems);
  } catch (error) {
    thrown = error;
  }
  const lines = linesOf(thrown as AggregateError);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^\w+: expected .*, got none\. Install .*$/);
});
