import type { MutantResult, PartialStrykerOptions, Position } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { build } from 'esbuild';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LoggedMutant, RunnerOptions, Trials } from '../../test/mutation/runner.js';
import { ROOT, testsOf, type Room } from './rooms.js';
import { survivorAt, type Survivor } from './survivor.js';

/** Milliseconds for a mutant. Its tests, which took 3 seconds at most in the initial run, may run twice. */
const PATIENCE = 15_000;

export interface FileScore {
  readonly mutants: number;
  readonly killed: number;
  /** Mutants that were not tested because there was no time left. */
  readonly untested: number;
  readonly survivors: readonly Survivor[];
}

interface MutateOptions {
  /** Milliseconds since 1970 after which mutants are left untested; null if all are tested. */
  readonly deadline: number | null;
  readonly trials: Trials;
  /** Survivors that the record has, by file. */
  readonly known: Partial<Record<string, readonly Survivor[]>>;
  /** Continues an earlier run of the room: takes over its results. */
  readonly resume: boolean;
}

/** Mutates files of a room, and runs the tests of the room for each mutant. @returns what came out, by file */
export async function mutateRoom(
  room: Room,
  files: readonly string[],
  { deadline, trials, known, resume }: MutateOptions,
): Promise<Map<string, FileScore>> {
  const log = join(ROOT, `dist/mutation/${room}.jsonl`);
  const earlier = resume && existsSync(log) ? linesIn(readFileSync(log, 'utf8')) : [];
  rmSync(log, { force: true });
  const runner: RunnerOptions = { root: ROOT, testFiles: testsOf(room), deadline, trials, known, log, earlier };
  const options = {
    mutate: [...files],
    testRunner: 'room',
    plugins: [await buildRunner()],
    coverageAnalysis: 'perTest',
    concurrency: 2,
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
    allowEmpty: true,
    logLevel: 'warn',
    warnings: false,
    tempDirName: 'dist/stryker',
    ignorePatterns: ['bench', 'coverage', 'data', 'dist', 'docs', 'engines', 'examples', 'models'].map(
      (folder) => `/${folder}`,
    ),
    timeoutMS: PATIENCE,
    timeoutFactor: 0,
    dryRunTimeoutMinutes: 20,
    mutation: runner,
  };
  // The type of logLevel is an enum that only exists for the compiler.
  const results = await new Stryker(options as unknown as PartialStrykerOptions).runMutationTest();
  return new Map(
    files.map((file) => [
      file,
      scoreOf(
        file,
        results.filter((result) => pathOf(result) === file),
      ),
    ]),
  );
}

const linesIn = (text: string): LoggedMutant[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LoggedMutant);

const pathOf = ({ fileName }: MutantResult): string => relative(ROOT, fileName).replaceAll('\\', '/');

/** Stryker loads its plugins as JavaScript. */
async function buildRunner(): Promise<string> {
  const outfile = join(ROOT, 'dist/mutation/runner.mjs');
  await build({
    entryPoints: [join(ROOT, 'test/mutation/runner.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  });
  return pathToFileURL(outfile).href;
}

function scoreOf(file: string, results: readonly MutantResult[]): FileScore {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  const count = (...statuses: MutantResult['status'][]) =>
    results.filter(({ status }) => statuses.includes(status)).length;
  const survivors = results.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const killed = count('Killed', 'Timeout');
  return {
    mutants: killed + survivors.length,
    killed,
    untested: count('RuntimeError'),
    survivors: survivors.map((result) => survivorOf(result, lines)),
  };
}

function survivorOf({ location: { start, end }, replacement }: MutantResult, lines: readonly string[]): Survivor {
  const from0 = ({ line, column }: Position) => ({ line: line - 1, column: column - 1 });
  return survivorAt({ start: from0(start), end: from0(end) }, replacement, lines);
}
