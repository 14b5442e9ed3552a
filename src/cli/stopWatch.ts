/** The status of a process that ended at a signal, as shells have it. */
export const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type Stop = keyof typeof STATUS;
const STOPS = Object.keys(STATUS) as Stop[];

/** Milliseconds in which a second signal is the first once more: npm sends on what the terminal has sent to all. */
const REPEATED = 1000;

export interface StopWatch {
  /** The first signal; null as long as there was none. */
  readonly stopped: () => Stop | null;
  /** All is saved. Whoever sends a signal twice may send the second only now: it changes nothing any more. */
  readonly settle: () => void;
}

/**
 * Remembers the first Ctrl-C, SIGTERM or terminal that is closed; one that comes a second later does what it always does.
 *
 * @param told of the first
 */
export function stopWatch(told: (signal: Stop) => void): StopWatch {
  let first: { readonly signal: Stop; readonly at: number } | null = null;
  let settled = false;
  const stop = (signal: Stop): void => {
    // A listener stays until the run has saved: without one, a file that is being written would be given up.
    if (first === null) {
      first = { signal, at: performance.now() };
      told(signal);
    } else if (!settled && performance.now() - first.at >= REPEATED) {
      unwatch();
      process.kill(process.pid, signal);
    }
  };
  const unwatch = (): void => {
    for (const signal of STOPS) process.off(signal, stop as NodeJS.SignalsListener);
  };
  const settle = (): void => {
    settled = true;
    // Nobody has asked to stop: signals do what they always do. A closed terminal's is sent once more, to have its effect.
    if (first === null || first.signal === 'SIGHUP') unwatch();
  };
  for (const signal of STOPS) process.on(signal, stop as NodeJS.SignalsListener);
  return { stopped: () => first?.signal ?? null, settle };
}
