/** An engine, opened in a process of its own, which tells the one that asked what it is. */
import type { EngineName } from '../engineReport.js';
import { absent, open, type EngineState } from './open.js';

const name = process.argv[2] as EngineName;
const state = await open(name).then(
  ({ report }): EngineState => ({ ...report, available: true }),
  (error: unknown) => absent(name, error),
);
process.send?.(state, undefined, undefined, () => {
  // Some engines would keep the process alive.
  process.exit();
});
