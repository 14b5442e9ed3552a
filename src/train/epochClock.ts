/** Measures an epoch, or the part of it since the run was resumed. */
import type { Loader } from '../data/loader/loader.js';

export interface EpochClock {
  /** Since its start. */
  seconds(): number;
  /** Seconds of these that the network waited for images. */
  waited(): number;
}

/** @param now milliseconds, for tests */
export function startClock(loader: Pick<Loader, 'waited'>, now: () => number = () => performance.now()): EpochClock {
  const [start, waitedBefore] = [now(), loader.waited];
  return {
    seconds: () => (now() - start) / 1000,
    waited: () => (loader.waited - waitedBefore) / 1000,
  };
}
