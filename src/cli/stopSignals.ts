/** The status of a process that ended at a signal, as shells have it. */
export const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type Stop = keyof typeof STATUS;
const STOPS = Object.keys(STATUS) as Stop[];

/** Milliseconds in which a second signal is the first once more: npm sends on what the terminal has sent to all. */
const REPEATED = 1000;
/** And after the end, which a slow machine may come to before the second signal. Then a process that stays can be ended. */
const REPEATED_AFTER = 10_000;

export interface StopSignals {
  /** The first signal; null as long as there was none. */
  readonly stopped: () => Stop | null;
  /** Nothing more will be saved. Whoever sends a signal twice may send the second only now: it shall change nothing. */
  readonly settle: () => void;
}

/**
 * Remembers the first Ctrl-C, SIGTERM or terminal that is closed; one that comes a second later does what it always does.
 *
 * @param told of the first
 */
export function stopSignals(told: (signal: Stop) => void): StopSignals {
  let first: { readonly signal: Stop; readonly at: number } | null = null;
  let settled: number | null = null;
  const isRepetition = (signal: Stop, before: { readonly signal: Stop; readonly at: number }): boolean =>
    settled === null
      ? performance.now() - before.at < REPEATED
      : signal === before.signal && performance.now() - settled < REPEATED_AFTER;
  const stop = (signal: Stop): void => {
    // A listener stays until the run has saved: without one, a file that is being written would be given up.
    if (first === null) {
      first = { signal, at: performance.now() };
      told(signal);
    } else if (!isRepetition(signal, first)) {
      unwatch();
      process.kill(process.pid, signal);
    }
  };
  const unwatch = (): void => {
    for (const signal of STOPS) process.off(signal, stop as NodeJS.SignalsListener);
  };
  const settle = (): void => {
    settled = performance.now();
    // Nobody has asked to stop: signals do what they always do. A closed terminal's is sent once more, to have its effect.
    if (first === null || first.signal === 'SIGHUP') unwatch();
  };
  for (const signal of STOPS) process.on(signal, stop as NodeJS.SignalsListener);
  return { stopped: () => first?.signal ?? null, settle };
}
