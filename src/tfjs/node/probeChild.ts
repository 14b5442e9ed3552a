/** Opens an engine in a child process and sends its state to the parent. */
import type { EngineName } from '../engineReport.js';
import { open, unavailableState, type EngineState } from './open.js';

const name = process.argv[2] as EngineName;
const state = await open(name).then(
  ({ report }): EngineState => ({ ...report, available: true }),
  (error: unknown) => unavailableState(name, error),
);
process.send?.(state, undefined, undefined, () => {
  // Some engines keep the process alive.
  process.exit();
});
