/** One engine in a process of its own: an addon may take its process with it. Tells its parent what became of it. */
import { nodeTensorflow } from './nodeTensorflow.js';
import { nodeWebgpu } from './nodeWebgpu.js';

const made = await (process.argv[2] === 'webgpu' ? nodeWebgpu() : nodeTensorflow());
process.send?.(made, undefined, undefined, () => {
  // Dawn keeps the process alive.
  process.exit(0);
});
