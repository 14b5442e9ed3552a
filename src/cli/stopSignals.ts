/** Exit statuses of a process that a signal ended, as shells count them. */
export const EXIT_STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type StopSignal = keyof typeof EXIT_STATUS;
const SIGNALS = Object.keys(EXIT_STATUS) as StopSignal[];

/** Milliseconds in which a second signal counts as the first: npm forwards what the terminal has sent to both. */
const REPEAT_MS = 1000;
/**
 * The same after `settle`: on a slow machine the second signal may arrive only then. Later, a process that still
 * runs can be ended.
 */
const LATE_REPEAT_MS = 10_000;

export interface StopSignals {
  /** The first signal, or null. */
  readonly received: () => StopSignal | null;
  /** Call when everything is saved: from then on, a signal is ignored if it repeats the first, and has its default effect else. */
  readonly settle: () => void;
}

/**
 * Records the first SIGINT (Ctrl-C), SIGTERM or SIGHUP (closed terminal) instead of ending the process. A second
 * signal, a second later, has its default effect.
 *
 * @param onSignal called with the first signal
 */
export function stopSignals(onSignal: (signal: StopSignal) => void): StopSignals {
  let first: { readonly signal: StopSignal; readonly at: number } | null = null;
  let settledAt: number | null = null;
  const isRepeat = (signal: StopSignal, earlier: { readonly signal: StopSignal; readonly at: number }): boolean =>
    settledAt === null
      ? performance.now() - earlier.at < REPEAT_MS
      : signal === earlier.signal && performance.now() - settledAt < LATE_REPEAT_MS;
  const listener = (signal: StopSignal): void => {
    // The listener stays until the run is saved: without one, a signal would end the process while it writes.
    if (first === null) {
      first = { signal, at: performance.now() };
      onSignal(signal);
    } else if (!isRepeat(signal, first)) {
      restoreDefaults();
      process.kill(process.pid, signal);
    }
  };
  const restoreDefaults = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener as NodeJS.SignalsListener);
  };
  const settle = (): void => {
    settledAt = performance.now();
    // Without a signal, nothing can repeat it. SIGHUP is sent once more by the command, and must have its effect.
    if (first === null || first.signal === 'SIGHUP') restoreDefaults();
  };
  for (const signal of SIGNALS) process.on(signal, listener as NodeJS.SignalsListener);
  return { received: () => first?.signal ?? null, settle };
}
