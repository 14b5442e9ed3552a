/** The way from one step to the next, by steps that are made up. */
import { afterAll, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from '../../scripts/tfjsNode/commandLine.js';
import { CPU } from '../../scripts/tfjsNode/flavor.js';
import { locationOf } from '../../scripts/tfjsNode/location.js';
import { setup, type Options } from '../../scripts/tfjsNode/setup.js';
import { isLack, LackError, SetupError, throwAll } from '../../scripts/tfjsNode/setupError.js';
import { file, removeScratch, scratch } from './scratch.js';

afterAll(removeScratch);

const fields = { op: 'it', expected: 'well', got: 'ill', remedy: 'Do' };
const broken = new SetupError(fields);

interface MadeUp {
  readonly root?: string;
  readonly ordinary?: SetupError;
  /** What is wrong with what was built; null for the first thing that is looked at and is right. */
  readonly checks: readonly (SetupError | null)[];
}

/** What was done, in its order, and what lies there in the end. */
async function run(options: Options, { root = scratch(), ordinary, checks }: MadeUp): Promise<string[]> {
  const [left, done]: [(SetupError | null)[], string[]] = [[...checks], []];
  mkdirSync(join(root, 'engines/tfjs-node'), { recursive: true });
  const location = locationOf(CPU, root);
  const say = (line: string): void => void done.push(line);
  await setup(CPU, options, say, {
    locationOf: () => location,
    toolsFor: () => Promise.resolve({ compiler: 'c++', python: 'python3' }),
    installPackages: (_, inside) => Promise.resolve(void file(join(inside, location.package, 'package.json'))),
    installOrdinarily(_, __, folder) {
      done.push('INSTALL');
      file(join(folder, 'lib/addon'), 'theirs');
      return ordinary === undefined ? Promise.resolve() : Promise.reject(ordinary);
    },
    build(_, source, __, ___, folder) {
      done.push(`BUILD ${source.kind}`);
      expect(existsSync(join(folder, 'lib'))).toBe(false);
      return Promise.resolve(void file(join(folder, 'lib/addon'), 'ours'));
    },
    check() {
      done.push('CHECK');
      const found = left.shift();
      const checked = { libtensorflow: '2.21.0', device: 'CPU' } as const;
      return found instanceof SetupError ? Promise.reject(found) : Promise.resolve(checked);
    },
  });
  return [
    ...done.filter((line) => /^[A-Z]+\b/.test(line)),
    readFileSync(join(location.built, location.package, 'lib/addon'), 'utf8'),
  ];
}

test('an install that brings what works is taken', async () => {
  expect(await run({}, { checks: [null] })).toEqual(['INSTALL', 'CHECK', 'theirs']);
});

test('one that fails is built instead', async () => {
  expect(await run({}, { ordinary: broken, checks: [null] })).toEqual(['INSTALL', 'BUILD pip', 'CHECK', 'ours']);
});

test('and so is one that brings what does not work', async () => {
  expect(await run({}, { checks: [broken, null] })).toEqual(['INSTALL', 'CHECK', 'BUILD pip', 'CHECK', 'ours']);
});

test('what is built and does not work is an error', async () => {
  await expect(run({}, { checks: [broken, broken] })).rejects.toBe(broken);
});

test('where it is there, a libtensorflow that is passed is not passed over in silence', async () => {
  const root = scratch();
  await run({}, { root, checks: [null] });
  const said: string[] = [];
  const location = locationOf(CPU, root);
  const never = (): never => {
    throw new Error('nothing is to be built');
  };
  await setup(CPU, { libtensorflow: 'pip' }, (line) => said.push(line), {
    ...{ locationOf: () => location, toolsFor: never, installPackages: never, installOrdinarily: never, build: never },
    check: () => Promise.resolve({ libtensorflow: '2.21.0', device: 'CPU' }),
  });
  expect(said.at(-1)).toMatch(/not of pip.*--force builds it anew/);
});

test('what a machine lacks is told apart from what went wrong', () => {
  const lack = new LackError(fields);
  expect([isLack(lack), isLack(broken)]).toEqual([true, false]);
  expect(isLack(new AggregateError([lack, lack]))).toBe(true);
  expect(isLack(new AggregateError([lack, broken]))).toBe(false);
  expect(() => {
    throwAll([lack]);
  }).toThrow(LackError);
});

test('its exit status is another', async () => {
  const before = process.env['PATH'];
  const complaints: string[] = [];
  process.env['PATH'] = '';
  try {
    const output = { say: () => undefined, complain: (line: string) => complaints.push(line) };
    expect(await commandLine(['--force', '--libtensorflow', 'pip'], output)).toBe(3);
  } finally {
    process.env['PATH'] = before;
  }
  expect(complaints.join()).toMatch(/compiler: expected .*python: expected/);
});
