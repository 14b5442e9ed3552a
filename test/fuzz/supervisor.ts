/** Runs targets in processes that are watched: one that hangs or ends is replaced, and its input is reported. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sumReports, type Fault, type TargetReport, type Task } from './report.js';

/** Milliseconds after which an input counts as one that hangs. */
const HANG = 5000;
const POLL = 250;

/** The heap of a worker: reading a small file needs far less. */
const FLAGS = ['--enable-source-maps', '--max-old-space-size=512', '--no-warnings', '--expose-gc'];

type Ending =
  { readonly report: TargetReport } | { readonly index: number; readonly fault: string; readonly detail: string };

/** A process for one target after another. */
export class Supervisor {
  readonly #script: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vanillanet-fuzz-'));
  #child: ChildProcess | null = null;
  #errors = '';

  constructor(script: string) {
    this.#script = script;
    mkdirSync(this.#workingFolder, { recursive: true });
  }

  /** Hostile paths, also `../x`, stay in the temporary folder. */
  get #workingFolder(): string {
    return join(this.#folder, 'a', 'b', 'c');
  }

  get #progress(): string {
    return join(this.#folder, 'progress');
  }

  /** Tries all inputs of a task; continues after an input that hangs, or ends the process. */
  async run({ target, seed, from, to }: Task): Promise<TargetReport> {
    const reports: TargetReport[] = [];
    const faults: Fault[] = [];
    // One that hangs again and again would take days.
    const MOST = 10;
    for (let start = from; start < to;) {
      const ending = await this.#tryOnce({ target, seed, from: start, to });
      if ('report' in ending) {
        reports.push(ending.report);
        break;
      }
      faults.push({ ...ending });
      const inputs = Math.max(0, ending.index - start) + 1;
      reports.push({
        ...{ target, inputs, accepted: 0, refused: 0, caller: 0, faulty: 1, most: 0, slowest: 0, seconds: 0 },
        faults: [ending],
      });
      if (faults.length >= MOST) break;
      start = ending.index + 1;
    }
    return sumReports(target, reports);
  }

  /** One input in words. The input itself goes to standard error before it is tried. */
  async explain(task: Task): Promise<string> {
    const child = this.#start();
    child.stderr?.pipe(process.stderr);
    return new Promise((resolve) => {
      child.once('message', (text: string) => {
        resolve(text);
      });
      child.once('exit', (code, signal) => {
        resolve(`the process ended with ${signal ?? code}: ${this.#errors}`);
      });
      child.send({ ...task, explain: true });
    });
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(): ChildProcess {
    if (this.#child !== null) return this.#child;
    const child = fork(this.#script, [this.#progress], {
      execArgv: FLAGS,
      cwd: this.#workingFolder,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, TMPDIR: this.#folder },
    });
    this.#errors = '';
    child.stderr?.on('data', (data: Buffer) => {
      this.#errors = (this.#errors + data.toString()).slice(-4000);
    });
    this.#child = child;
    return child;
  }

  /** The index of the current input; -1 before the first. */
  #index(): number {
    try {
      return Number(readFileSync(this.#progress, 'utf8').trim() || -1);
    } catch {
      return -1;
    }
  }

  #tryOnce(task: Task): Promise<Ending> {
    const child = this.#start();
    return new Promise((resolve) => {
      let [last, since] = [-1, performance.now()];
      const end = (ending: Ending): void => {
        clearInterval(timer);
        child.removeAllListeners();
        if (!('report' in ending)) {
          child.kill('SIGKILL');
          this.#child = null;
        }
        resolve(ending);
      };
      const timer = setInterval(() => {
        const index = this.#index();
        if (index !== last) [last, since] = [index, performance.now()];
        if (performance.now() - since < HANG || index < task.from) return;
        end({ index, fault: 'hangs', detail: `no answer within ${HANG} ms` });
      }, POLL);
      child.once('message', (report: TargetReport) => {
        end({ report });
      });
      child.once('exit', (code, signal) => {
        const reason = /(FATAL ERROR: .*|RangeError.*|Error: .*)/.exec(this.#errors)?.[0] ?? '';
        const fault = `ends the process with ${signal ?? code}: ${reason}`;
        end({ index: Math.max(this.#index(), task.from), fault, detail: this.#errors });
      });
      child.send(task);
    });
  }
}
