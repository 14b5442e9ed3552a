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

const STATE: usize = offsetof<Program>('state');
const ACTIVE: usize = offsetof<Program>('active');
const FIRST: usize = offsetof<Program>('first');
const LAST: usize = offsetof<Program>('last');
const PARTS: usize = offsetof<Program>('parts');

/** Loads of a waiting thread before it blocks: about a tenth of a millisecond. */
const SPINS: i32 = 1 << 16;
/** Nanoseconds that a thread blocks at a barrier before it looks again; it is not notified. */
const NAP: i64 = 50_000;

/**
 * Runs regions `first` to `last` (exclusive) of a program, and returns when they are done. Workers in `serve` share the
 * work; a worker that does not arrive is not waited for, so that one thread suffices.
 *
 * @param mayWait whether this thread may block; the main thread of a browser may not
 */
export function runProgram(run: RunRegion, program: usize, scratch: usize, first: i32, last: i32, mayWait: bool): void {
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
    work(run, program, scratch, 0, mayWait);
    atomic.store<i32>(program, CLOSED, STATE);
    // Counters must not be reset while a worker still reads them.
    while (atomic.load<i32>(program, ACTIVE) != 0) {}
  } else {
    for (let i = first; i < last; i++) {
      const region = regionOf(program, i);
      run(region, scratch, 0, changetype<Region>(region).panels);
    }
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
 */
function work(run: RunRegion, program: usize, scratch: usize, self: i32, mayWait: bool): void {
  const last = load<i32>(program, LAST);
  const parts = load<i32>(program, PARTS);
  for (let i = load<i32>(program, FIRST); i < last; i++) {
    const address = regionOf(program, i);
    const region = changetype<Region>(address);
    const panels = region.panels;
    const chunk = region.chunk;
    for (let turn = 0; turn < parts; turn++) {
      const part = (self + turn) % parts;
      const end = startOf(part + 1, parts, panels);
      for (;;) {
        const from = atomic.add<i32>(next(address, part), chunk);
        if (from >= end) break;
        const to = min(from + chunk, end);
        run(address, scratch, from, to);
        atomic.add<i32>(address, to - from, DONE);
      }
    }
    let spins = SPINS;
    for (;;) {
      const done = atomic.load<i32>(address, DONE);
      if (done == panels) break;
      if (--spins < 0 && mayWait) atomic.wait<i32>(address + DONE, done, NAP);
    }
  }
}
