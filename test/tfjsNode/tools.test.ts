/** Finds tools on a PATH that lacks some. */
import { afterAll, expect } from '@jest/globals';
import { join } from 'node:path';
import { errorLines } from '../../scripts/scriptError.js';
import { throwAll } from '../../scripts/tfjsNode/setupError.js';
import { findTools } from '../../scripts/tfjsNode/tools.js';
import { posixTest } from '../platform.js';
import { program, removeScratch, scratch } from './scratch.js';

const shTest = posixTest('sh');

afterAll(removeScratch);

const ALL = { python: true, pip: true };

/** The missing tools on a machine with these programs: op, got and the first part of the hint. */
async function missing(scripts: Readonly<Record<string, string>>, needs = ALL, env = {}): Promise<string[][]> {
  const folder = scratch();
  for (const [name, script] of Object.entries(scripts)) program(join(folder, name), script);
  const { missing: errors } = await findTools(needs, { PATH: folder, ...env });
  return errors.map(({ op, got, hint }) => [op, got, hint.split(', or ')[0]]);
}

const NO_COMPILER = ['compiler', 'none', 'Install one: apt-get install g++.'];
const NO_PYTHON = ['python', 'none', 'Install it: apt-get install python3 python3-pip'];

shTest('an empty machine lacks everything, and each error has a hint', async () => {
  expect(await missing({})).toEqual([NO_COMPILER, NO_PYTHON]);
});

shTest('building from a folder needs no Python', async () => {
  expect(await missing({}, { python: false, pip: false })).toEqual([NO_COMPILER]);
  expect(await missing({ 'clang++': '' }, { python: false, pip: false })).toEqual([]);
});

shTest('building from a wheel needs Python but not pip', async () => {
  const scripts = { 'g++': '', python3: 'echo No module named pip; exit 1' };
  expect(await missing(scripts, { python: true, pip: false })).toEqual([]);
  const line = ['pip', 'No module named pip', 'Install it: apt-get install python3-pip'];
  expect(await missing(scripts)).toEqual([line]);
});

shTest('CXX comes before PATH, and PATH is searched in order', async () => {
  const [first, second] = [scratch(), scratch()];
  const compiler = program(join(second, 'c++'), '');
  program(join(second, 'python3'), '');
  const python = program(join(first, 'python3'), '');
  const env = { PATH: `${first}:${second}` };
  expect((await findTools(ALL, env)).tools).toEqual({ compiler, python });
  const own = program(join(first, 'my-compiler'), '');
  expect((await findTools(ALL, { ...env, CXX: own })).tools.compiler).toBe(own);
  expect(await missing({ 'c++': '', python3: '' }, ALL, { CXX: 'gone' })).toEqual([
    ['compiler', 'CXX=gone, which does not exist', NO_COMPILER[2]],
  ]);
});

shTest('all missing tools are reported together, one line each', async () => {
  const { missing: problems } = await findTools(ALL, { PATH: '' });
  let thrown;
  try {
    throwAll(problems);
  } catch (error) {
    thrown = error;
  }
  const lines = errorLines(thrown as AggregateError);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^\w+: expected .*, got none\. Install .*\.$/);
});
