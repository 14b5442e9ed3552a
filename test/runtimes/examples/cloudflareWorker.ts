/** The Worker of examples/: its answers, its refusals, its queue and its memory. */
import type { Consumer } from '../consumer.js';
import { install, start, type Deployed, type Where } from './worker/deployed.js';
import { checkFirstLoad } from './worker/firstLoad.js';
import { checkLoad } from './worker/load.js';
import { checkPhotographs } from './worker/photographs.js';
import { checkPlaces } from './worker/places.js';
import { checkRefusals } from './worker/refusals.js';

/** Long enough for an honest client on a busy machine, as checks that wait it out are run too. */
const UPLOAD_MS = 5000;

export async function cloudflareWorker(consumer: Consumer): Promise<readonly string[]> {
  const example = await install(consumer);
  const notes: string[] = [];
  const on = async (
    where: Where,
    check: (deployed: Deployed) => Promise<string | readonly string[]>,
  ): Promise<void> => {
    const deployed = await start(example, where);
    try {
      notes.push(...[await check(deployed)].flat());
    } finally {
      await deployed.stop();
    }
  };
  await on({ weights: 'assets' }, ({ url }) => checkPhotographs(url, consumer));
  await on({ weights: 'assets' }, ({ url }) => checkRefusals(url));
  await on({ weights: 'assets', variables: { UPLOAD_MS } }, ({ url }) => checkPlaces(url, UPLOAD_MS));
  await on({ weights: 'assets' }, (deployed) => checkLoad(deployed, consumer));
  await on({ weights: 'r2' }, checkFirstLoad);
  return notes;
}
