/** Training in a Worker, with the reference only: a Worker may not compile the module for training. */
import { weightsOf } from './training.mjs';

export default { fetch: async () => Response.json(await weightsOf(['oracle'])) };
