/** Runs one engine in a child process, because an addon may crash its process, and sends the result to the parent. */
import { nodeEngine, type NodeEngine } from './nodeEngine.js';

const run = await nodeEngine(process.argv[2] as NodeEngine);
process.send?.(run, undefined, undefined, () => {
  // Dawn may keep the process alive.
  process.exit(0);
});
