/** The sequence of the steps, with stubs of the steps. */
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

const fields = { op: 'it', expected: 'a', got: 'b', hint: 'Do.' };
const broken = new SetupError(fields);

interface Stubs {
  readonly root?: string;
  readonly ordinary?: SetupError;
  /** The results of the checks in their order: an error, or null for success. */
  readonly checks: readonly (SetupError | null)[];
}

/** Runs a setup. @returns the steps in their order, then the content of the addon */
async function run(options: Options, { root = scratch(), ordinary, checks }: Stubs): Promise<string[]> {
  const [results, steps]: [(SetupError | null)[], string[]] = [[...checks], []];
  mkdirSync(join(root, 'engines/tfjs-node'), { recursive: true });
  const location = locationOf(CPU, root);
  const log = (line: string): void => void steps.push(line);
  await setup(CPU, options, log, {
    locationOf: () => location,
    toolsFor: () => Promise.resolve({ compiler: 'c++', python: 'python3' }),
    installPackages: (_, inside) => Promise.resolve(void file(join(inside, location.package, 'package.json'))),
    installOrdinarily(_, __, folder) {
      steps.push('INSTALL');
      file(join(folder, 'lib/addon'), 'downloaded');
      return ordinary === undefined ? Promise.resolve() : Promise.reject(ordinary);
    },
    build(_, source, __, ___, folder) {
      steps.push(`BUILD ${source.kind}`);
      expect(existsSync(join(folder, 'lib'))).toBe(false);
      return Promise.resolve(void file(join(folder, 'lib/addon'), 'compiled'));
    },
    check() {
      steps.push('CHECK');
      const result = results.shift();
      const info = { libtensorflow: '2.21.0', device: 'CPU' } as const;
      return result instanceof SetupError ? Promise.reject(result) : Promise.resolve(info);
    },
  });
  return [
    ...steps.filter((line) => /^[A-Z]+\b/.test(line)),
    readFileSync(join(location.built, location.package, 'lib/addon'), 'utf8'),
  ];
}

test('an install that works is used', async () => {
  expect(await run({}, { checks: [null] })).toEqual(['INSTALL', 'CHECK', 'downloaded']);
});

test('an install that fails is replaced by a build', async () => {
  expect(await run({}, { ordinary: broken, checks: [null] })).toEqual(['INSTALL', 'BUILD pip', 'CHECK', 'compiled']);
});

test('an install that does not work is replaced by a build', async () => {
  expect(await run({}, { checks: [broken, null] })).toEqual(['INSTALL', 'CHECK', 'BUILD pip', 'CHECK', 'compiled']);
});

test('a build that does not work is an error', async () => {
  await expect(run({}, { checks: [broken, broken] })).rejects.toBe(broken);
});

test('if a build exists, a log line says that --libtensorflow is ignored', async () => {
  const root = scratch();
  await run({}, { root, checks: [null] });
  const lines: string[] = [];
  const location = locationOf(CPU, root);
  const never = (): never => {
    throw new Error('nothing should be built');
  };
  await setup(CPU, { libtensorflow: 'pip' }, (line) => lines.push(line), {
    ...{ locationOf: () => location, toolsFor: never, installPackages: never, installOrdinarily: never, build: never },
    check: () => Promise.resolve({ libtensorflow: '2.21.0', device: 'CPU' }),
  });
  expect(lines.at(-1)).toMatch(/pip is ignored; --force builds again/);
});

test('isLack distinguishes what a machine lacks from other errors', () => {
  const lack = new LackError(fields);
  expect([isLack(lack), isLack(broken)]).toEqual([true, false]);
  expect(isLack(new AggregateError([lack, lack]))).toBe(true);
  expect(isLack(new AggregateError([lack, broken]))).toBe(false);
  expect(() => {
    throwAll([lack]);
  }).toThrow(LackError);
});

test('a machine that lacks something gives exit status 3', async () => {
  const before = process.env['PATH'];
  const errors: string[] = [];
  process.env['PATH'] = '';
  try {
    const output = { log: () => undefined, logError: (line: string) => errors.push(line) };
    expect(await commandLine(['--force', '--libtensorflow', 'pip'], output)).toBe(3);
  } finally {
    process.env['PATH'] = before;
  }
  const lacks = process.platform === 'linux' ? /compiler: expected .*python: expected/ : /system: expected Linux/;
  expect(errors.join()).toMatch(lacks);
});
