/**
 * Runs this package's tests for Stryker. The test files of a room are bundled once and stay loaded: a mutant costs
 * the time of the tests that reach it. What a mutant leaves behind is kept from the next one:
 *
 * - a mutant that survives, and that was reached less often than the same code in the initial run, is tried again with
 *   modules that are loaded afresh: a value may have been computed and kept before the mutant was active;
 * - after a test has found a mutant, the same test must pass without it; if it does not, the mutant is tried again
 *   with modules that are loaded afresh, then in a new process.
 */
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import type { MutantCoverage, StrykerOptions } from '@stryker-mutator/api/core';
import {
  determineHitLimitReached,
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
} from '@stryker-mutator/api/test-runner';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleTests, type TestBundle } from './bundleTests.js';
import type { CaseResult, Suite } from './suite.js';

/** Milliseconds: a test has no end if it takes many times as long as without a mutant. */
const SHORTEST_LIMIT = 4_000;
const LIMIT_FACTOR = 20;
const INITIAL_LIMIT = 300_000;
/** Stryker allows a mutant so many times the hits of the initial run. */
const HIT_FACTOR = 100;
/** Between the file and the title in the id of a test. */
const SEPARATOR = ' › ';
/** What the initial run writes for all processes, in the sandbox: milliseconds by the id of the test. */
const DURATIONS = 'dist/mutation/durations.json';

/** The message of mutants that are left untested. */
const NO_TIME = 'no time left';

/** The part of Stryker's options that is this runner's. */
export interface RunnerOptions {
  readonly root: string;
  readonly testFiles: readonly string[];
  /** Milliseconds since 1970 after which mutants are left untested; null if all are tested. */
  readonly deadline: number | null;
}

/** What the instrumented code reads and writes. */
interface Context {
  activeMutant: string | undefined;
  currentTestId: string | undefined;
  mutantCoverage: MutantCoverage | undefined;
  hitCount: number | undefined;
  hitLimit: number | undefined;
}

const context = ((globalThis as { __stryker__?: Partial<Context> }).__stryker__ ??= {}) as Context;

function activate({ activeMutant, hitLimit }: MutantRunOptions): void {
  context.activeMutant = activeMutant.id;
  context.hitCount = hitLimit === undefined ? undefined : 0;
  context.hitLimit = hitLimit;
}

function deactivate(): void {
  context.activeMutant = undefined;
  context.hitCount = undefined;
  context.hitLimit = undefined;
}

/** A test file, whose modules can be loaded more than once. */
class LoadedFile {
  #suite: Suite | null = null;
  #loads = 0;

  constructor(readonly bundle: TestBundle) {}

  async suite(): Promise<Suite> {
    this.#suite ??= ((await import(`${this.bundle.url}?${this.#loads++}`)) as { suite: Suite }).suite;
    return this.#suite;
  }

  forget(): void {
    this.#suite = null;
  }

  idOf(test: string): string {
    return this.bundle.testFile + SEPARATOR + test;
  }
}

interface Selection {
  readonly file: LoadedFile;
  readonly selects: (test: string) => boolean;
}

type Trial = { readonly failed: CaseResult | null; readonly hits: number } | { readonly timeout: string };

class RoomTestRunner implements TestRunner {
  static inject = tokens(commonTokens.options);
  readonly #options: RunnerOptions;
  readonly #sandbox = process.cwd();
  readonly #durationsFile = join(this.#sandbox, DURATIONS);
  #files: LoadedFile[] = [];
  /** Mutants that this process has tried. */
  #trials = 0;
  /** A mutant has changed something that outlasts the modules. */
  #damaged = false;
  #durations: Record<string, number> | null = null;

  constructor(options: StrykerOptions) {
    this.#options = options['mutation'] as RunnerOptions;
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    process.env['VANILLANET_IN_PROCESS'] = '1';
    const bundles = await bundleTests(this.#sandbox, this.#options.root, this.#options.testFiles);
    // Tests name files relative to the root.
    process.chdir(this.#options.root);
    this.#files = bundles.map((bundle) => new LoadedFile(bundle));
  }

  async dryRun(): Promise<DryRunResult> {
    const results: TestResult[] = [];
    context.mutantCoverage = { static: {}, perTest: {} };
    deactivate();
    for (const file of this.#files) {
      const suite = await file.suite();
      const onEnter = (test: string | undefined) => {
        context.currentTestId = test === undefined ? undefined : file.idOf(test);
      };
      const options = { selects: () => true, onEnter, bail: false, limit: () => INITIAL_LIMIT };
      for (const { id: test, milliseconds, failure } of await suite.run(options)) {
        const id = file.idOf(test);
        const result = { id, name: id, timeSpentMs: milliseconds, fileName: file.bundle.testFile };
        results.push(
          failure === null
            ? { ...result, status: TestStatus.Success }
            : { ...result, status: TestStatus.Failed, failureMessage: failure },
        );
      }
      giveHooksToTests(file, suite, context.mutantCoverage);
    }
    const durations = Object.fromEntries(results.map(({ id, timeSpentMs }) => [id, timeSpentMs]));
    writeFileSync(this.#durationsFile, JSON.stringify(durations));
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage: context.mutantCoverage };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, testFilter, mutantActivation, hitLimit = Infinity } = options;
    const { deadline } = this.#options;
    if (deadline !== null && Date.now() > deadline) {
      return { status: MutantRunStatus.Error, errorMessage: NO_TIME };
    }
    if (this.#damaged) throw new Error('Stryker starts another process after this error.');
    this.#trials++;
    context.mutantCoverage = undefined;
    const selections = this.#select(activeMutant.id, testFilter);
    const count = selections.length;
    if (mutantActivation === 'runtime') {
      let [hits, sound] = [0, true];
      for (const selection of selections) {
        await selection.file.suite();
        const trial = await this.#try(options, selection);
        if ('timeout' in trial) return { status: MutantRunStatus.Timeout, reason: trial.timeout };
        hits += trial.hits;
        if (trial.failed === null) continue;
        sound = await this.#passesWithoutMutant(selection.file, trial.failed);
        if (sound) return killed(selection.file, trial.failed, count);
        break;
      }
      if (sound && hits * HIT_FACTOR >= hitLimit) return { status: MutantRunStatus.Survived, nrOfTests: count };
    }
    for (const selection of selections) {
      const { file } = selection;
      file.forget();
      const trial = await this.#try(options, selection);
      file.forget();
      if ('timeout' in trial) return { status: MutantRunStatus.Timeout, reason: trial.timeout };
      if (trial.failed === null) continue;
      this.#damaged = !(await this.#passesWithoutMutant(file, trial.failed));
      // In a new process, no other mutant can have done it.
      if (!this.#damaged || this.#trials === 1) return killed(file, trial.failed, count);
      throw new Error(`${file.idOf(trial.failed.id)} fails without a mutant`);
    }
    return { status: MutantRunStatus.Survived, nrOfTests: count };
  }

  /** The tests that reach the mutant, by file; files whose tests take least come first. */
  #select(mutant: string, testFilter: readonly string[] | undefined): Selection[] {
    const all = Object.keys(this.#milliseconds);
    const selections = this.#files
      .filter(({ bundle }) => bundle.mutants.has(mutant))
      .map((file) => {
        const prefix = file.idOf('');
        const ids = (testFilter ?? all).filter((id) => id.startsWith(prefix));
        const milliseconds = ids.reduce((sum, id) => sum + (this.#milliseconds[id] ?? 0), 0);
        const tests = new Set(ids.map((id) => id.slice(prefix.length)));
        return { file, milliseconds, tests, selects: (test: string) => tests.has(test) };
      });
    return selections.filter(({ tests }) => tests.size > 0).sort((a, b) => a.milliseconds - b.milliseconds);
  }

  get #milliseconds(): Record<string, number> {
    if (this.#durations === null && existsSync(this.#durationsFile)) {
      this.#durations = JSON.parse(readFileSync(this.#durationsFile, 'utf8')) as Record<string, number>;
    }
    return this.#durations ?? {};
  }

  /** Runs the tests while the mutant is active. */
  async #try(options: MutantRunOptions, { file, selects }: Selection): Promise<Trial> {
    activate(options);
    try {
      const failed = await this.#failure(file, selects);
      const timeout = determineHitLimitReached(context.hitCount, context.hitLimit);
      if (timeout === undefined) return { failed, hits: context.hitCount ?? 0 };
      file.forget();
      return { timeout: timeout.reason ?? '' };
    } finally {
      deactivate();
    }
  }

  async #passesWithoutMutant(file: LoadedFile, { id }: CaseResult): Promise<boolean> {
    if ((await this.#failure(file, (test) => test === id)) === null) return true;
    file.forget();
    return false;
  }

  /** The first test that fails, or null. */
  async #failure(file: LoadedFile, selects: (test: string) => boolean): Promise<CaseResult | null> {
    let suite: Suite;
    try {
      suite = await file.suite();
    } catch (error) {
      return { id: '', milliseconds: 0, failure: `cannot be loaded: ${String(error)}` };
    }
    const limit = (test: string) => Math.max(SHORTEST_LIMIT, LIMIT_FACTOR * (this.#milliseconds[file.idOf(test)] ?? 0));
    const results = await suite.run({ selects, onEnter: () => undefined, bail: true, limit });
    return results.find(({ failure }) => failure !== null) ?? null;
  }
}

const killed = (file: LoadedFile, { id, failure }: CaseResult, nrOfTests: number): MutantRunResult => ({
  status: MutantRunStatus.Killed,
  killedBy: [file.idOf(id)],
  failureMessage: failure ?? '',
  nrOfTests,
});

/** Code that ran in a hook of a block counts as code of each test of the block. */
function giveHooksToTests(file: LoadedFile, suite: Suite, { perTest }: MutantCoverage): void {
  const prefix = file.idOf('');
  for (const [id, counts] of Object.entries(perTest)) {
    if (!id.startsWith(`${prefix}hook `)) continue;
    for (const test of suite.testsOfHook(id.slice(prefix.length))) {
      const own = (perTest[prefix + test] ??= {});
      for (const [mutant, count] of Object.entries(counts)) own[mutant] = (own[mutant] ?? 0) + count;
    }
    Reflect.deleteProperty(perTest, id);
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'room', RoomTestRunner)];
