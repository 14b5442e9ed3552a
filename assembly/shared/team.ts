import { now } from './clock';

/**
 * A part of a program. Its panels are independent: any thread can run any of them, and all are done before the next region
 * begins. Written by src/wasm/program.ts.
 */
@unmanaged
export class Region {
  kind: i32;
  /** Address of the operands, whose class depends on `kind`. */
  operands: usize;
  panels: i32;
  /** Panels that a thread takes at a time. */
  chunk: i32;
}

/** Runs panels of a region. Inference and training each have such a function. */
export type RunRegion = (address: usize, scratch: usize, from: i32, to: i32) => void;

/** The head of a program in memory, by which threads synchronize; its regions follow. Written by src/wasm/program.ts. */
@unmanaged
export class Program {
  /** CLOSED, OPEN or STOPPED. */
  state: i32;
  /** Workers that are looking at the regions. */
  active: i32;
  /** Regions of the current run, without the last. */
  first: i32;
  last: i32;
  /** Into how many parts the panels of every region are split: one for each thread, or one for all. */
  parts: i32;
}

/** Bytes from the head of a program to its first region. */
export const REGIONS: usize = 128;
/** Bytes from one region to the next: the counters of each have their own cache line. */
export const PITCH: usize = 128;
/** A region has room for this many counters. */
export const MOST_PARTS: i32 = 15;

/** Offset in a region: panels that are done. */
const DONE: usize = 64;
/** Offset in a region: for each part, the next panel to take. */
const NEXT: usize = 68;

/** Values of `Program.state`. */
const CLOSED: i32 = 0;
const OPEN: i32 = 1;
const STOPPED: i32 = 2;

/** In the place of the panels that are done: a thread was lost, so that the region is never done. */
const LOST: i32 = i32.MIN_VALUE;

/** A result of `runProgram`: all regions are done, and all threads are at hand. */
const COMPLETE: i32 = -1;

const STATE: usize = offsetof<Program>('state');
const ACTIVE: usize = offsetof<Program>('active');
const FIRST: usize = offsetof<Program>('first');
const LAST: usize = offsetof<Program>('last');
const PARTS: usize = offsetof<Program>('parts');

/** Loads of a waiting thread before it blocks: about a tenth of a millisecond. */
const SPINS: i32 = 1 << 16;
/** Nanoseconds that a thread blocks at a barrier before it looks again; it is not notified. */
const NAP: i64 = 50_000;

/** Milliseconds without progress after which a thread counts as lost, */
const PATIENCE: f64 = 400;
/** plus this multiple of the time that the caller needed for its own panels, for each turn in which it took some, */
const TURNS: f64 = 4;
/** but no more than this. */
const MOST_PATIENCE: f64 = 10_000;
/** Milliseconds that count at most between two readings of the clock: a process that was suspended has lost no thread. */
const LONGEST_NAP: f64 = 20;

/**
 * Runs regions `first` to `last` (exclusive) of a program. Workers in `serve` share the work; a worker that does not arrive
 * is not waited for, so that one thread suffices. A worker that takes panels and makes no progress is lost: then the
 * program is stopped for good, because that worker may still write into this memory at any later time.
 *
 * @param mayWait whether this thread may block; the main thread of a browser may not
 * @returns COMPLETE, or the first region that is not done, which is `last` if all are done and the program is stopped
 */
export function runProgram(run: RunRegion, program: usize, scratch: usize, first: i32, last: i32, mayWait: bool): i32 {
  if (ASC_FEATURE_THREADS) {
    const parts = load<i32>(program, PARTS);
    for (let i = first; i < last; i++) {
      const region = regionOf(program, i);
      const panels = changetype<Region>(region).panels;
      for (let part = 0; part < parts; part++) atomic.store<i32>(next(region, part), startOf(part, parts, panels));
      atomic.store<i32>(region, 0, DONE);
    }
    store<i32>(program, first, FIRST);
    store<i32>(program, last, LAST);
    atomic.store<i32>(program, OPEN, STATE);
    atomic.notify(program + STATE, -1);
    const end = work(run, program, scratch, 0, mayWait);
    if (end == last) {
      atomic.store<i32>(program, CLOSED, STATE);
      // Counters must not be reset while a worker still reads them.
      if (waitFor(program + ACTIVE, 0, now(), 1, mayWait) == 0) return COMPLETE;
    }
    stop(program);
    return end;
  } else {
    for (let i = first; i < last; i++) {
      const region = regionOf(program, i);
      run(region, scratch, 0, changetype<Region>(region).panels);
    }
    return COMPLETE;
  }
}

/** Runs panels of a program until `stop`, as worker number `self`; the calling thread is number 0. */
export function serve(run: RunRegion, program: usize, scratch: usize, self: i32): void {
  if (!ASC_FEATURE_THREADS) return;
  for (;;) {
    let spins = SPINS;
    while (atomic.load<i32>(program, STATE) == CLOSED) {
      if (--spins == 0) {
        atomic.wait<i32>(program + STATE, CLOSED, -1);
        spins = SPINS;
      }
    }
    atomic.add<i32>(program, 1, ACTIVE);
    // Read again, because the run may have ended in between.
    const state = atomic.load<i32>(program, STATE);
    if (state == OPEN) work(run, program, scratch, self, true);
    atomic.sub<i32>(program, 1, ACTIVE);
    if (state == STOPPED) return;
  }
}

/** Ends `serve` in all workers. The program must not run afterwards. */
export function stop(program: usize): void {
  if (!ASC_FEATURE_THREADS) return;
  atomic.store<i32>(program, STOPPED, STATE);
  atomic.notify(program + STATE, -1);
}

function regionOf(program: usize, i: i32): usize {
  return program + REGIONS + PITCH * <usize>i;
}

function next(region: usize, part: i32): usize {
  return region + NEXT + 4 * <usize>part;
}

/** The first panel of a part. */
function startOf(part: i32, parts: i32, panels: i32): i32 {
  return <i32>((<i64>panels * part + parts - 1) / parts);
}

/**
 * Takes panels until none are left, first those of its own part, whose data is still in its cache from the previous region.
 * At the end of a region, waits until all panels are done.
 *
 * @returns `Program.last`, or the region of which a thread was lost
 */
function work(run: RunRegion, program: usize, scratch: usize, self: i32, mayWait: bool): i32 {
  const last = load<i32>(program, LAST);
  const parts = load<i32>(program, PARTS);
  for (let i = load<i32>(program, FIRST); i < last; i++) {
    const address = regionOf(program, i);
    const region = changetype<Region>(address);
    const panels = region.panels;
    const chunk = region.chunk;
    const start = now();
    let turns = 1;
    for (let p = 0; p < parts; p++) {
      const part = (self + p) % parts;
      const end = startOf(part + 1, parts, panels);
      for (;;) {
        const from = atomic.add<i32>(next(address, part), chunk);
        if (from >= end) break;
        const to = min(from + chunk, end);
        run(address, scratch, from, to);
        atomic.add<i32>(address, to - from, DONE);
        turns++;
      }
    }
    for (;;) {
      const done = waitFor(address + DONE, panels, start, turns, mayWait);
      if (done == panels) break;
      // Only if no panel was completed in between. From then on, no thread goes on to the next region.
      if (done < 0 || atomic.cmpxchg<i32>(address, done, LOST, DONE) == done) return i;
    }
  }
  return last;
}

/**
 * Waits until the word at `address` has the value, or a negative one, or stays the same for too long.
 *
 * @param start when this thread began its share of the work
 * @param turns how many times it took panels, plus 1
 * @returns the last value of the word
 */
function waitFor(address: usize, value: i32, start: f64, turns: i32, mayWait: bool): i32 {
  let latest = atomic.load<i32>(address);
  let spins = SPINS;
  let patience: f64 = 0;
  let waited: f64 = 0;
  let before: f64 = 0;
  while (latest != value && latest >= 0) {
    if (--spins < 0) {
      if (mayWait) atomic.wait<i32>(address, latest, NAP);
      else spins = SPINS;
      const time = now();
      if (patience == 0) patience = min(PATIENCE + (TURNS * (time - start)) / turns, MOST_PATIENCE);
      else waited += min(time - before, LONGEST_NAP);
      before = time;
      if (waited > patience) break;
    }
    const word = atomic.load<i32>(address);
    if (word != latest) waited = 0;
    latest = word;
  }
  return latest;
}
