/** The tests of one file, in the order and nesting in which they were declared; they can be run more than once. */

export type Body = (...values: unknown[]) => unknown;

interface Hook {
  /** Names the hook in the coverage. */
  readonly id: string;
  readonly body: Body;
}

export type HookName = 'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach';

export class Block {
  readonly hooks: Record<HookName, Hook[]> = { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] };
  readonly children: (Block | Case)[] = [];

  constructor(
    readonly title: string,
    readonly parent: Block | null,
    readonly skip: boolean,
  ) {}

  get ancestors(): Block[] {
    return this.parent === null ? [this] : [...this.parent.ancestors, this];
  }

  get cases(): Case[] {
    return this.children.flatMap((child) => (child instanceof Block ? child.cases : [child]));
  }
}

export class Case {
  constructor(
    readonly id: string,
    readonly block: Block,
    readonly body: Body,
    readonly skip: boolean,
  ) {}
}

export interface CaseResult {
  readonly id: string;
  readonly milliseconds: number;
  /** Milliseconds of the hooks before the first test of its blocks. */
  readonly setup: number;
  /** Null if the test passed. */
  readonly failure: string | null;
}

export interface RunOptions {
  readonly selects: (id: string) => boolean;
  /** Called before code of a test or hook runs, with its id, and after it with undefined. */
  readonly onEnter: (id: string | undefined) => void;
  /** Stops after the first test that fails. */
  readonly bail: boolean;
  /** Milliseconds after which a test has failed. */
  readonly limit: (id: string) => number;
  /** The same for the hooks before and after all tests of a block. */
  readonly hookLimit: number;
}

const messageOf = (reason: unknown): string =>
  reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);

export class Suite {
  readonly root = new Block('', null, false);
  #open = this.root;
  #hooks = 0;
  readonly #ids = new Set<string>();

  describe(title: string, body: Body, skip: boolean): void {
    const outer = this.#open;
    const block = new Block(title, outer, skip || outer.skip);
    outer.children.push(block);
    this.#open = block;
    try {
      body();
    } finally {
      this.#open = outer;
    }
  }

  test(title: string, body: Body, skip: boolean): void {
    const block = this.#open;
    const name = [...block.ancestors.slice(1).map((ancestor) => ancestor.title), title].join(' › ');
    let id = name;
    for (let copy = 2; this.#ids.has(id); copy++) id = `${name} (${copy})`;
    this.#ids.add(id);
    block.children.push(new Case(id, block, body, skip || block.skip));
  }

  hook(name: HookName, body: Body): void {
    this.#open.hooks[name].push({ id: `hook ${this.#hooks++}`, body });
  }

  /** The tests for which the hook of that id runs. */
  testsOfHook(id: string): string[] {
    const find = (block: Block): string[] | null => {
      if (Object.values(block.hooks).some((hooks) => hooks.some((hook) => hook.id === id))) {
        return block.cases.map((test) => test.id);
      }
      for (const child of block.children) {
        const tests = child instanceof Block ? find(child) : null;
        if (tests !== null) return tests;
      }
      return null;
    };
    return find(this.root) ?? [];
  }

  async run(options: RunOptions): Promise<CaseResult[]> {
    const results: CaseResult[] = [];
    await this.#runBlock(this.root, options, results, 0);
    return results;
  }

  async #runBlock(block: Block, options: RunOptions, results: CaseResult[], outerSetup: number): Promise<void> {
    const selected = block.cases.filter(({ id, skip }) => !skip && options.selects(id));
    const isOver = () => options.bail && results.some(({ failure }) => failure !== null);
    if (selected.length === 0 || isOver()) return;
    const hooks = (name: HookName) => this.#attempt(block.hooks[name], options, options.hookLimit);
    const start = performance.now();
    const failure = await hooks('beforeAll');
    const setup = outerSetup + performance.now() - start;
    if (failure === null) {
      for (const child of block.children) {
        if (child instanceof Block) await this.#runBlock(child, options, results, setup);
        else if (selected.includes(child) && !isOver()) results.push(await this.#runCase(child, options, setup));
      }
    } else {
      results.push(...selected.map(({ id }) => ({ id, milliseconds: 0, setup, failure })));
    }
    const late = await hooks('afterAll');
    if (late !== null) results.push({ id: selected[selected.length - 1].id, milliseconds: 0, setup, failure: late });
  }

  async #runCase({ id, block, body }: Case, options: RunOptions, setup: number): Promise<CaseResult> {
    const start = performance.now();
    const before = block.ancestors.flatMap(({ hooks }) => hooks.beforeEach);
    const after = block.ancestors.reverse().flatMap(({ hooks }) => hooks.afterEach);
    const limit = options.limit(id);
    // The hooks around each test count as part of it.
    const steps = (parts: readonly Hook[]) =>
      this.#attempt(
        parts.map((part) => ({ ...part, id })),
        options,
        limit,
      );
    const failure = await steps([...before, { id, body }]);
    const late = await steps(after);
    return { id, milliseconds: performance.now() - start, setup, failure: failure ?? late };
  }

  /** Runs the parts until one fails. @returns the message of the failure, or null */
  async #attempt(parts: readonly Hook[], { onEnter }: RunOptions, limit: number): Promise<string | null> {
    for (const { id, body } of parts) {
      onEnter(id);
      let timer: NodeJS.Timeout | undefined;
      let onStray: ((reason: unknown) => void) | undefined;
      try {
        await new Promise<unknown>((resolve, reject) => {
          // Errors that nothing awaits belong to the test that is running.
          onStray = reject;
          process.on('uncaughtException', onStray).on('unhandledRejection', onStray);
          timer = REAL.setTimeout(() => {
            reject(new Error(`no end after ${limit} ms`));
          }, limit);
          Promise.resolve(body()).then(resolve, reject);
        });
      } catch (reason) {
        return messageOf(reason);
      } finally {
        REAL.clearTimeout(timer);
        if (onStray) process.off('uncaughtException', onStray).off('unhandledRejection', onStray);
        onEnter(undefined);
      }
    }
    return null;
  }
}

/** Tests may replace the timers by fake ones. */
const REAL = { setTimeout, clearTimeout };
