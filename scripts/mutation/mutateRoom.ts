import type { MutantResult, PartialStrykerOptions } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RunnerOptions } from '../../test/mutation/runner.js';
import { ROOT, testsOf, type Room } from './rooms.js';

/** Milliseconds for a mutant. Its tests, which took 8 seconds at most in the initial run, may run twice. */
const PATIENCE = 30_000;

export interface Survivor {
  /** The source line where the mutant begins. */
  readonly line: string;
  /** The code, and what the mutant has instead. */
  readonly mutant: string;
}

export interface FileScore {
  readonly mutants: number;
  readonly killed: number;
  /** Mutants that were not tested because there was no time left. */
  readonly untested: number;
  readonly survivors: readonly Survivor[];
}

/** Mutates files of a room, and runs the tests of the room for each mutant. @returns what came out, by file */
export async function mutateRoom(
  room: Room,
  files: readonly string[],
  deadline: number | null,
): Promise<Map<string, FileScore>> {
  const runner: RunnerOptions = { root: ROOT, testFiles: testsOf(room), deadline };
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
  const covered = lines.slice(start.line - 1, end.line);
  covered[covered.length - 1] = covered[covered.length - 1].slice(0, end.column - 1);
  covered[0] = covered[0].slice(start.column - 1);
  const brief = (code: string) =>
    code
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^(.{100}).+$/, '$1…');
  return { line: brief(lines[start.line - 1]), mutant: `${brief(covered.join(' '))} → ${brief(replacement)}` };
}
