/** Tests the Worker of examples/: answers, errors, queue, memory, processor time. */
import type { Consumer } from '../consumer.js';
import { checkDev } from './worker/dev.js';
import { install, start, type Deployed, type StartOptions } from './worker/deployed.js';
import { checkFirstLoad } from './worker/firstLoad.js';
import { closedGate, type Gate } from './worker/gate.js';
import { checkLargest } from './worker/largest.js';
import { checkLateLoad, checkLostLoad, LATE, LOST } from './worker/lateLoad.js';
import { checkLoad } from './worker/load.js';
import { checkPhotographs } from './worker/photographs.js';
import { checkPlaces } from './worker/places.js';
import { checkProcessorTime } from './worker/processorTime.js';
import { checkRefusals } from './worker/refusals.js';
import { checkUploads, UPLOADS } from './worker/uploads.js';

/**
 * Time limits of the Worker that no busy machine exceeds, where they are not what is tested: a request that exceeds
 * the limit of uploads closes its connection.
 */
const PATIENT = { UPLOAD_MS: 600_000, LOAD_MS: 600_000, LOST_MS: 1_200_000 };

export async function cloudflareWorker(consumer: Consumer): Promise<readonly string[]> {
  const example = await install(consumer);
  const notes = [await checkDev(example, consumer)];
  const on = async (
    options: StartOptions,
    check: (deployed: Deployed) => Promise<string | readonly string[]>,
  ): Promise<void> => {
    const deployed = await start(example, options);
    try {
      notes.push(...[await check(deployed)].flat());
    } finally {
      await deployed.stop();
    }
  };
  await on({ weights: 'assets', variables: PATIENT }, ({ url }) => checkPhotographs(url, consumer));
  await on({ weights: 'assets' }, ({ url }) => checkRefusals(url));
  await on({ weights: 'assets', variables: UPLOADS }, ({ url }) => checkUploads(url));
  for (const [variables, check] of [
    [{}, checkPlaces],
    [LATE, checkLateLoad],
    [LOST, checkLostLoad],
  ] as const satisfies readonly (readonly [object, (url: string, gate: Gate) => Promise<string>])[]) {
    const gate = closedGate();
    await on({ weights: gate.pass, variables }, ({ url }) => check(url, gate));
  }
  await on({ weights: 'assets', variables: PATIENT }, async (deployed) => {
    const bare = await start(example, { weights: 'assets', bare: true });
    return checkLoad(deployed, bare, consumer).finally(() => bare.stop());
  });
  await on({ weights: 'assets', variables: PATIENT }, checkLargest);
  await on({ weights: 'r2' }, checkFirstLoad);
  notes.push(...(await checkProcessorTime(() => start(example, { weights: 'assets' }))));
  return notes;
}
