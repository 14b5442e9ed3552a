/**
 * A part of the network whose panels do not depend on each other: any thread may
 * run any of them, and all are done before the next region begins. Written by
 * src/wasm in the same order.
 */
@unmanaged
export class Region {
  kind: i32;
  /** Address of what `kind` says. */
  operands: usize;
  panels: i32;
  /** How many panels a thread takes at a time. */
  chunk: i32;
}

/** What runs panels of a region: inference and training have each their own. */
export type RunRegion = (address: usize, scratch: usize, from: i32, to: i32) => void;

/** Bytes from one region to the next: its counters have a cache line of their own. */
const PITCH: usize = 128;
/** The next panel that nobody has taken. */
const NEXT: usize = 64;
/** Panels that are done. */
const DONE: usize = 68;

/** Values of `STATE`. */
const CLOSED: i32 = 0;
const OPEN: i32 = 1;
const STOPPED: i32 = 2;

/**
 * A program as it lies in memory, written by src/wasm/layout.ts: what the threads
 * say to each other, then its regions.
 */
const STATE: usize = 0;
/** Workers that look at the regions. */
const ACTIVE: usize = 4;
const FIRST: usize = 8;
const LAST: usize = 12;
const REGIONS: usize = 128;

/** Loads of a waiting thread before it goes to sleep: about a tenth of a millisecond. */
const SPINS: i32 = 1 << 16;
/** A sleeper at a barrier looks again after so many nanoseconds: nobody wakes it. */
const NAP: i64 = 50_000;

/**
 * Runs regions `first` to `last`, without `last`, of the program, and returns when
 * they are done. Workers that `serve` it help; nobody waits for one that does not
 * come, so that one thread is a team, too.
 *
 * @param mayWait whether this thread may sleep; a browser's window may not
 */
export function runProgram(run: RunRegion, program: usize, scratch: usize, first: i32, last: i32, mayWait: bool): void {
  if (ASC_FEATURE_THREADS) {
    for (let i = first; i < last; i++) {
      const region = regionOf(program, i);
      atomic.store<i32>(region, 0, NEXT);
      atomic.store<i32>(region, 0, DONE);
    }
    store<i32>(program, first, FIRST);
    store<i32>(program, last, LAST);
    atomic.store<i32>(program, OPEN, STATE);
    atomic.notify(program + STATE, -1);
    work(run, program, scratch, mayWait);
    atomic.store<i32>(program, CLOSED, STATE);
    // Whoever is still looking finds nothing to do and leaves: counters must not start anew before.
    while (atomic.load<i32>(program, ACTIVE) != 0) {}
  } else {
    for (let i = first; i < last; i++) {
      const region = regionOf(program, i);
      run(region, scratch, 0, changetype<Region>(region).panels);
    }
  }
}

/** Helps with every run of the program until `stop`. */
export function serve(run: RunRegion, program: usize, scratch: usize): void {
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
    // Looked at again: a run that was closed in between does not expect anybody.
    const state = atomic.load<i32>(program, STATE);
    if (state == OPEN) work(run, program, scratch, true);
    atomic.sub<i32>(program, 1, ACTIVE);
    if (state == STOPPED) return;
  }
}

/** Sends everybody home. The program is not run afterwards. */
export function stop(program: usize): void {
  if (!ASC_FEATURE_THREADS) return;
  atomic.store<i32>(program, STOPPED, STATE);
  atomic.notify(program + STATE, -1);
}

function regionOf(program: usize, i: i32): usize {
  return program + REGIONS + PITCH * <usize>i;
}

/** Takes panels as long as there are any; at the end of a region, waits until all of them are done. */
function work(run: RunRegion, program: usize, scratch: usize, mayWait: bool): void {
  const last = load<i32>(program, LAST);
  for (let i = load<i32>(program, FIRST); i < last; i++) {
    const address = regionOf(program, i);
    const region = changetype<Region>(address);
    const panels = region.panels;
    const chunk = region.chunk;
    for (;;) {
      const from = atomic.add<i32>(address, chunk, NEXT);
      if (from >= panels) break;
      const to = min(from + chunk, panels);
      run(address, scratch, from, to);
      atomic.add<i32>(address, to - from, DONE);
    }
    let spins = SPINS;
    for (;;) {
      const done = atomic.load<i32>(address, DONE);
      if (done == panels) break;
      if (--spins < 0 && mayWait) atomic.wait<i32>(address + DONE, done, NAP);
    }
  }
}
