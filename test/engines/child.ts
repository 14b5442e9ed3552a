/** One engine in a process of its own: an addon may take its process with it. Tells its parent what became of it. */
import { nodeEngine, type NodeEngine } from './nodeEngine.js';

const made = await nodeEngine(process.argv[2] as NodeEngine);
process.send?.(made, undefined, undefined, () => {
  // Dawn may keep the process alive.
  process.exit(0);
});
