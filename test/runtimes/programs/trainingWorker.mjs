/** A Worker trains, with the oracle: modules for training are none that it could compile. */
import { trainedBy } from './training.mjs';

export default { fetch: async () => Response.json(await trainedBy(['oracle'])) };
