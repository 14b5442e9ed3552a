/** Turns of the event loop between computations, which block their thread. */
import { platform } from '#runtime';

/** Milliseconds of computation after which the event loop gets a turn. */
const INTERVAL = 4;

let latest = performance.now();

/**
 * Gives the event loop a turn, in which it handles messages, timers and files, unless it had one a few milliseconds ago.
 */
export async function turnIfDue(): Promise<void> {
  if (performance.now() - latest < INTERVAL) return;
  await platform.nextTurn();
  latest = performance.now();
}
