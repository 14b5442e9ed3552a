/** A thread of a team that is lost at a chosen moment. */
import { platform } from '#runtime';
import { jest } from '@jest/globals';
import { offsetOf } from '../../src/wasm/descriptor.js';
import type { WasmMemory } from '../../src/wasm/module.js';
import { PITCH, PROGRAM, REGION, REGIONS } from '../../src/wasm/sharedDescriptors.js';

export interface Loss {
  /** The region of the next run, counted from its first, of which the thread takes panels; null: none, but it never leaves. */
  readonly region: number | null;
  /** What the thread does with the panels that it has taken. */
  readonly end:
    | 'exits'
    /** Computes something else without end. */
    | 'spins'
    /** Waits without end. */
    | 'sleeps'
    /** Goes on when it is no longer waited for: computes its panels, and then overwrites the whole memory. */
    | 'wakes late';
}

/** Values of `Program.state`, and an offset in a region: see assembly/shared/team.ts. */
const OPEN = 1;
const STOPPED = 2;
const NEXT = 68;

/** What the thread does when it is lost. */
const script = (end: Loss['end']): string => `
const { module, memory, program, scratch, taken } = data;
const words = new Int32Array(memory.buffer);
const sleep = (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
begun();
Atomics.wait(taken, 0, 0);
const [, address, from, to] = taken;
const end = '${end}';
if (end === 'exits') return;
if (end === 'spins') for (;;);
if (end === 'sleeps') sleep(Infinity);
const { runRegion } = new WebAssembly.Instance(module, { env: { memory }, clock: { now: () => 0 } }).exports;
while (Atomics.load(words, (program + ${offsetOf(PROGRAM, 'state')}) / 4) !== ${STOPPED}) sleep(1);
for (let i = 0; i < 20; i++, sleep(10)) if (from < to) runRegion(address, scratch, from, to);
for (;; sleep(20)) new Float32Array(memory.buffer).fill(NaN, (program + 4096) / 4);
`;

interface WorkerData {
  readonly memory: WasmMemory;
  readonly program: number;
}

const indexOf = (program: number, field: keyof typeof PROGRAM): number => (program + offsetOf(PROGRAM, field)) / 4;

/** The first region of the current run; null between runs. */
function currentRun({ memory, program }: WorkerData): number | null {
  const words = new Int32Array(memory.buffer);
  return Atomics.load(words, indexOf(program, 'state')) === OPEN ? words[indexOf(program, 'first')] : null;
}

/** Takes panels for the thread, which it will not compute. */
function takePanels({ memory, program }: WorkerData, region: number | null, taken: Int32Array): void {
  const words = new Int32Array(memory.buffer);
  const head = (field: keyof typeof PROGRAM): number => indexOf(program, field);
  Atomics.add(words, head('active'), 1);
  if (region !== null) {
    const index = Math.min(words[head('first')] + region, words[head('last')] - 1);
    const address = program + REGIONS + PITCH * index;
    const field = (name: keyof typeof REGION): number => words[(address + offsetOf(REGION, name)) / 4];
    const end = Math.ceil(field('panels') / words[head('parts')]);
    const from = Atomics.add(words, (address + NEXT) / 4, field('chunk'));
    taken.set([address, from, Math.min(from + field('chunk'), end)], 1);
  }
  Atomics.store(taken, 0, 1);
  Atomics.notify(taken, 0);
}

/** A team's thread that will be lost. */
export interface LostThread<T> {
  readonly opened: T;
  /** The thread is lost during the next run of the program, or a later one with other regions than the one before. */
  readonly loseInNextRun: (later?: number) => void;
}

/** Opens a team of up to eight threads, one of which can be lost. Afterwards `jest.restoreAllMocks()` is needed. */
export async function withLostThread<T>({ region, end }: Loss, open: () => Promise<T>): Promise<LostThread<T>> {
  const taken = new Int32Array(new SharedArrayBuffer(16));
  const start = platform.startWorker;
  let lost: WorkerData | null = null;
  const cores = jest.spyOn(platform, 'parallelism').mockReturnValue(8);
  const workers = jest.spyOn(platform, 'startWorker').mockImplementation((body, data, ended) => {
    if (lost !== null) return start(body, data, ended);
    lost = data as WorkerData;
    return start(script(end), { ...lost, taken }, ended);
  });
  const opened = await open();
  workers.mockRestore();
  cores.mockRestore();
  return {
    opened,
    loseInNextRun(later = 0) {
      const now = performance.now.bind(performance);
      const runs: number[] = [];
      // The calling thread looks at the clock when it begins a region, before it takes panels.
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => {
        const run = lost === null ? null : currentRun(lost);
        if (run !== null && run !== runs.at(-1)) runs.push(run);
        if (lost !== null && run !== null && runs.length > later) {
          takePanels(lost, region, taken);
          clock.mockRestore();
        }
        return now();
      });
    },
  };
}
