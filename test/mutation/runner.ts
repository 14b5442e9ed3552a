/**
 * Runs this package's tests for Stryker. The test files of a room are bundled once and stay loaded: a mutant costs
 * the time of the tests that reach it. What a mutant leaves behind is kept from the next one:
 *
 * - a mutant that survives, and that was reached less often than the same code in the initial run, is tried again with
 *   modules that are loaded afresh: a value may have been computed and kept before the mutant was active;
 * - after a test has found a mutant, the same test must pass without it; if it does not, the mutant is tried again
 *   with modules that are loaded afresh, then in a new process;
 * - a test that fails in a new process without a mutant, for example because it needs the one before it, is left out.
 */
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import type { Logger } from '@stryker-mutator/api/logging';
import type { MutantCoverage, StrykerOptions } from '@stryker-mutator/api/core';
import {
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
} from '@stryker-mutator/api/test-runner';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { keyOf, survivorAt, type Survivor } from '../../scripts/mutation/survivor.js';
import { bundleTests, type TestBundle } from './bundleTests.js';
import { loadBundle } from './loadBundle.js';
import type { CaseResult, Suite } from './suite.js';

/** Milliseconds: a test has no end if it takes many times as long as without a mutant. */
const SHORTEST_LIMIT = 5_000;
const LIMIT_FACTOR = 8;
const INITIAL_LIMIT = 300_000;
/** The same in checks of instrumented code (see Meter). */
const SPARE_CHECKS = 1_000_000;
/** Between the file and the title in the id of a test. */
const SEPARATOR = ' › ';
/** What the initial run writes for all processes, in the sandbox. */
const INITIAL_RUN = 'dist/mutation/initialRun.json';
/** Tests that failed without a mutant in a process that had tried others, and those that fail in a new one: a line each. */
const SUSPECTS = 'dist/mutation/suspects.txt';
const UNFIT = 'dist/mutation/unfit.txt';
/** Milliseconds, in the initial run, of the tests that come first. */
const CHEAP = 50;
/** Milliseconds, in the initial run, that other tests of a file may take together to run in one go. */
const PORTION = 500;
/** Milliseconds to load the modules of a test file. */
const LOADING = 20;
/** Milliseconds, in the initial run, that the tests of one mutant may take together: the slowest are left out. */
const BUDGET = 3_000;
/** The same for what a module computes while it is loaded, which may reach every test. */
const STATIC_BUDGET = 8_000;

const KILLED_EARLIER: MutantRunResult = {
  status: MutantRunStatus.Killed,
  killedBy: [],
  failureMessage: 'found in an earlier run',
  nrOfTests: 0,
};

/** The message of mutants that are left untested. */
const NO_TIME = 'no time left';

/** Which mutants are tested: all; those that are not known as survivors, which count as such; or only those, while the others count as killed. */
export type Trials = 'all' | 'new' | 'survivors';

/** The part of Stryker's options that is this runner's. */
export interface RunnerOptions {
  readonly root: string;
  readonly testFiles: readonly string[];
  /** Milliseconds since 1970 after which mutants are left untested; null if all are tested. */
  readonly deadline: number | null;
  readonly trials: Trials;
  /** Survivors of an earlier run, by file. */
  readonly known: Partial<Record<string, readonly Survivor[]>>;
  /** Gets a line of JSON for each mutant: its status and what it cost. */
  readonly log: string;
  /** Lines of the log of an earlier run that was stopped: its results are taken over. */
  readonly earlier: readonly LoggedMutant[];
}

/** A line of the log. */
export interface LoggedMutant extends Survivor {
  readonly file: string;
  /** The SHA-256 of the file. */
  readonly sha256: string;
  readonly status: string;
}

/** What the instrumented code reads and writes. */
interface Context {
  /** Read by all instrumented code, to know whether one of its mutants is active. */
  activeMutant: string | undefined;
  currentTestId: string | undefined;
  mutantCoverage: MutantCoverage | undefined;
  hitCount: number | undefined;
  hitLimit: number | undefined;
}

const context = ((globalThis as { __stryker__?: Partial<Context> }).__stryker__ ??= {}) as Context;

/**
 * Counts how often instrumented code checks which mutant is active. A loop that a mutant has made endless checks without
 * end, and is stopped by an error: a limit of time would cost seconds, and a new process.
 */
class Meter {
  checks = 0;
  limit = Infinity;
  #active: string | undefined;

  constructor() {
    Object.defineProperty(context, 'activeMutant', {
      get: () => {
        if (++this.checks > this.limit) throw new Error('the mutant has no end');
        return this.#active;
      },
      set: (id: string | undefined) => {
        this.#active = id;
      },
    });
  }

  get isOver(): boolean {
    return this.checks > this.limit;
  }

  start(limit: number): void {
    this.checks = 0;
    this.limit = limit;
  }
}

const meter = new Meter();

/** @param checks of the test file in the initial run */
function activate({ activeMutant }: MutantRunOptions, checks: number): void {
  context.activeMutant = activeMutant.id;
  context.hitCount = 0;
  context.hitLimit = Infinity;
  meter.start(LIMIT_FACTOR * checks + SPARE_CHECKS);
}

function deactivate(): void {
  context.activeMutant = undefined;
  context.hitCount = undefined;
  context.hitLimit = undefined;
  meter.start(Infinity);
}

/** A test file, whose modules can be loaded more than once. */
class LoadedFile {
  #suite: Suite | null = null;
  #run: (() => Promise<Suite>) | null = null;

  constructor(readonly bundle: TestBundle) {}

  async suite(): Promise<Suite> {
    this.#run ??= await loadBundle(this.bundle.path);
    this.#suite ??= await this.#run();
    return this.#suite;
  }

  forget(): void {
    this.#suite = null;
  }

  idOf(test: string): string {
    return this.bundle.testFile + SEPARATOR + test;
  }
}

/** Tests of a file that reach a mutant. */
interface Selection {
  readonly file: LoadedFile;
  readonly milliseconds: number;
  readonly tests: ReadonlySet<string>;
  /** How often they reached it in the initial run. */
  readonly hits: number;
  /** Mutants of the same source file that they have found in this process. */
  readonly kills: number;
}

interface Duration {
  readonly milliseconds: number;
  readonly setup: number;
}

interface InitialRun {
  readonly durations: Partial<Record<string, Duration>>;
  /** The checks of instrumented code while a test file was loaded and all its tests ran: what one test computes may be kept for others. */
  readonly checks: Partial<Record<string, number>>;
  readonly perTest: Partial<Record<string, Partial<Record<string, number>>>>;
}

type Trial = { readonly failed: CaseResult | null; readonly hits: number } | { readonly timeout: string };

class RoomTestRunner implements TestRunner {
  static inject = tokens(commonTokens.logger, commonTokens.options);
  readonly #log: Logger;
  readonly #options: RunnerOptions;
  readonly #sandbox = process.cwd();
  readonly #initialRunFile = join(this.#sandbox, INITIAL_RUN);
  #files: LoadedFile[] = [];
  /** Mutants that this process has tried. */
  #trials = 0;
  /** A mutant has changed something that outlasts the modules. */
  #damaged = false;
  #initialRun: InitialRun | null = null;
  /** Results of an earlier run, by file and text of the mutant. */
  #earlier: Map<string, LoggedMutant> | null = null;
  /** How many mutants of a source file were found by a test. */
  readonly #kills = new Map<string, number>();

  constructor(log: Logger, options: StrykerOptions) {
    this.#log = log;
    this.#options = options['mutation'] as RunnerOptions;
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    process.env['VANILLANET_IN_PROCESS'] = '1';
    // A mutant that ends the process would cost a new one.
    process.exit = (code) => {
      throw new Error(`process.exit(${code})`);
    };
    const bundles = await bundleTests(this.#sandbox, this.#options.root, this.#options.testFiles);
    // Tests name files relative to the root.
    process.chdir(this.#options.root);
    this.#files = bundles.map((bundle) => new LoadedFile(bundle));
  }

  async dryRun(): Promise<DryRunResult> {
    const results: TestResult[] = [];
    const failures: string[] = [];
    const durations: Record<string, Duration> = {};
    const checks: Record<string, number> = {};
    context.mutantCoverage = { static: {}, perTest: {} };
    deactivate();
    for (const file of this.#files) {
      meter.start(Infinity);
      const suite = await file.suite();
      const onEnter = (test: string | undefined) => {
        context.currentTestId = test === undefined ? undefined : file.idOf(test);
      };
      const options = {
        selects: () => true,
        onEnter,
        bail: false,
        limit: () => INITIAL_LIMIT,
        hookLimit: INITIAL_LIMIT,
      };
      for (const { id: test, milliseconds, setup, failure } of await suite.run(options)) {
        const id = file.idOf(test);
        const result = { id, name: id, timeSpentMs: milliseconds, fileName: file.bundle.testFile };
        if (failure === null) durations[id] = { milliseconds, setup };
        else failures.push(`${id}\n${failure.split('\n', 1)[0]}`);
        results.push({ ...result, status: failure === null ? TestStatus.Success : TestStatus.Skipped });
      }
      checks[file.bundle.testFile] = meter.checks;
      giveHooksToTests(file, suite, context.mutantCoverage);
    }
    for (const failure of failures) this.#log.warn(`left out, because it fails without a mutant: ${failure}`);
    const { perTest } = context.mutantCoverage;
    for (const id of Object.keys(perTest)) if (!(id in durations)) Reflect.deleteProperty(perTest, id);
    const initialRun: InitialRun = { durations, checks, perTest };
    writeFileSync(this.#initialRunFile, JSON.stringify(initialRun));
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage: context.mutantCoverage };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { fileName, location, replacement } = options.activeMutant;
    const { root, trials, known, log } = this.#options;
    const file = relative(root, fileName).replaceAll('\\', '/');
    const survivor = survivorAt(location, replacement, readFileSync(fileName, 'utf8').split('\n'));
    const isKnown = known[file]?.some((one) => keyOf(one) === keyOf(survivor)) ?? false;
    if (trials === 'new' && isKnown) return { status: MutantRunStatus.Survived, nrOfTests: 0 };
    if (trials === 'survivors' && !isKnown) return KILLED_EARLIER;
    const start = performance.now();
    const result = this.#earlierResult(file, survivor) ?? (await this.#test(options));
    const milliseconds = Math.round(performance.now() - start);
    const { mutantActivation: activation } = options;
    const by = 'killedBy' in result ? result.killedBy : undefined;
    const line = { file, ...survivor, sha256: sha256Of(fileName), status: result.status, by, activation, milliseconds };
    appendFileSync(log, `${JSON.stringify(line)}\n`);
    return result;
  }

  /** The result of an earlier run, if it was the same for all mutants of that text in the same file. */
  #earlierResult(file: string, survivor: Survivor): MutantRunResult | null {
    this.#earlier ??= resultsOf(this.#options.earlier);
    const one = this.#earlier.get(`${file}\n${keyOf(survivor)}`);
    if (one?.sha256 !== sha256Of(join(this.#options.root, file))) return null;
    if (one.status === 'survived') return { status: MutantRunStatus.Survived, nrOfTests: 0 };
    return KILLED_EARLIER;
  }

  async #test(options: MutantRunOptions): Promise<MutantRunResult> {
    const { mutantActivation } = options;
    const { deadline } = this.#options;
    if (deadline !== null && Date.now() > deadline) {
      return { status: MutantRunStatus.Error, errorMessage: NO_TIME };
    }
    if (this.#damaged) throw new Error('Stryker starts another process after this error.');
    context.mutantCoverage = undefined;
    if (this.#trials++ === 0) await this.#findUnfit();
    const selections = this.#select(options);
    const count = selections.length;
    const expectedHits = selections.reduce((sum, selection) => sum + selection.hits, 0);
    if (mutantActivation === 'runtime') {
      let [hits, sound] = [0, true];
      for (const selection of selections) {
        await selection.file.suite();
        const trial = await this.#try(options, selection);
        if ('timeout' in trial) return { status: MutantRunStatus.Timeout, reason: trial.timeout };
        hits += trial.hits;
        if (trial.failed === null) continue;
        sound = await this.#passesWithoutMutant(selection.file, trial.failed);
        if (sound) return this.#kill(options, selection, trial.failed, count);
        break;
      }
      if (sound && hits >= expectedHits) return { status: MutantRunStatus.Survived, nrOfTests: count };
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
      if (!this.#damaged || this.#trials === 1) return this.#kill(options, selection, trial.failed, count);
      const id = file.idOf(trial.failed.id);
      appendFileSync(join(this.#sandbox, SUSPECTS), `${id}\n`);
      throw new Error(`${id} fails without a mutant`);
    }
    return { status: MutantRunStatus.Survived, nrOfTests: count };
  }

  /** Remembers which tests find mutants of a source file. */
  #kill(
    { activeMutant: { fileName } }: MutantRunOptions,
    { file }: Selection,
    { id, failure }: CaseResult,
    nrOfTests: number,
  ): MutantRunResult {
    const key = killerOf(fileName, file.idOf(id));
    this.#kills.set(key, (this.#kills.get(key) ?? 0) + 1);
    const killedBy = [file.idOf(id)];
    return { status: MutantRunStatus.Killed, killedBy, failureMessage: failure ?? '', nrOfTests };
  }

  /**
   * The tests that reach the mutant. Those that take most are left out if they are over the budget; of the others, those
   * come first that have found many mutants of the same file for what they cost.
   */
  #select({ activeMutant: { id: mutant, fileName }, testFilter }: MutantRunOptions): Selection[] {
    const { durations, perTest } = this.#initial();
    // What a module computes while it is loaded may reach every test.
    const unfit = this.#linesOf(UNFIT);
    const tests = (testFilter ?? Object.keys(durations)).filter((id) => !unfit.has(id));
    const selections = this.#files
      .filter(({ bundle }) => bundle.mutants.has(mutant))
      .flatMap((file) => {
        const own = tests.filter((id) => id.startsWith(file.idOf('')));
        return portions(own, (id) => costOf([durations[id]])).map((ids) => ({
          file,
          milliseconds: costOf(ids.map((id) => durations[id])),
          tests: new Set(ids.map((id) => id.slice(file.idOf('').length))),
          hits: ids.reduce((sum, id) => sum + (perTest[id]?.[mutant] ?? 0), 0),
          kills: ids.reduce((sum, id) => sum + (this.#kills.get(killerOf(fileName, id)) ?? 0), 0),
        }));
      })
      .sort((a, b) => a.milliseconds - b.milliseconds);
    let total = 0;
    const budget = testFilter === undefined ? STATIC_BUDGET : BUDGET;
    const price = ({ kills, milliseconds }: Selection) => (milliseconds + LOADING) / (kills + 1);
    return selections
      .filter(({ milliseconds }, index) => (total += milliseconds) <= budget || index === 0)
      .sort((a, b) => price(a) - price(b));
  }

  /** Runs the suspects alone, before the first mutant of this process. */
  async #findUnfit(): Promise<void> {
    const unfit = this.#linesOf(UNFIT);
    for (const suspect of this.#linesOf(SUSPECTS)) {
      const file = this.#files.find((one) => suspect.startsWith(one.idOf('')));
      if (file === undefined || unfit.has(suspect)) continue;
      const id = suspect.slice(file.idOf('').length);
      if ((await this.#failure(file, (test) => test === id)) === null) continue;
      file.forget();
      appendFileSync(join(this.#sandbox, UNFIT), `${suspect}\n`);
    }
  }

  #linesOf(name: string): Set<string> {
    const path = join(this.#sandbox, name);
    return new Set(
      existsSync(path)
        ? readFileSync(path, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
        : [],
    );
  }

  #initial(): InitialRun {
    this.#initialRun ??= JSON.parse(readFileSync(this.#initialRunFile, 'utf8')) as InitialRun;
    return this.#initialRun;
  }

  /** Runs the tests while the mutant is active. */
  async #try(options: MutantRunOptions, { file, tests }: Selection): Promise<Trial> {
    activate(options, this.#initial().checks[file.bundle.testFile] ?? 0);
    try {
      const failed = await this.#failure(file, (test) => tests.has(test));
      if (!meter.isOver) return { failed, hits: context.hitCount ?? 0 };
      file.forget();
      return { timeout: `${meter.limit} checks` };
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
      return { id: '', milliseconds: 0, setup: 0, failure: `cannot be loaded: ${String(error)}` };
    }
    const { durations } = this.#initial();
    const limitFor = (milliseconds: number) => Math.max(SHORTEST_LIMIT, LIMIT_FACTOR * milliseconds);
    const limit = (test: string) => limitFor(costOf([durations[file.idOf(test)]]));
    const setups = Object.entries(durations).map(([id, one]) => (id.startsWith(file.idOf('')) ? (one?.setup ?? 0) : 0));
    const hookLimit = limitFor(Math.max(0, ...setups));
    const results = await suite.run({ selects, onEnter: () => undefined, bail: true, limit, hookLimit });
    return results.find(({ failure }) => failure !== null) ?? null;
  }
}

function costOf(durations: readonly (Duration | undefined)[]): number {
  const tests = durations.reduce((sum, duration) => sum + (duration?.milliseconds ?? 0), 0);
  return tests + Math.max(0, ...durations.map((duration) => duration?.setup ?? 0));
}

const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

function resultsOf(lines: readonly LoggedMutant[]): Map<string, LoggedMutant> {
  const results = new Map<string, LoggedMutant>();
  const differing = new Set<string>();
  for (const one of lines) {
    const key = `${one.file}\n${keyOf(one)}`;
    if ((results.get(key)?.status ?? one.status) !== one.status) differing.add(key);
    if (['killed', 'timeout', 'survived'].includes(one.status)) results.set(key, one);
  }
  for (const key of differing) results.delete(key);
  return results;
}

const killerOf = (source: string, test: string): string => `${source}\n${test}`;

/** Divides tests of a file: the cheap ones together, then the others by what they cost. */
function portions(tests: readonly string[], cost: (test: string) => number): string[][] {
  const cheap = tests.filter((test) => cost(test) <= CHEAP);
  const all = [cheap];
  let total = 0;
  for (const test of tests.filter((one) => cost(one) > CHEAP).sort((a, b) => cost(a) - cost(b))) {
    if (total === 0 || total + cost(test) > PORTION) {
      all.push([]);
      total = 0;
    }
    all[all.length - 1].push(test);
    total += cost(test);
  }
  return all.filter((portion) => portion.length > 0);
}

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
