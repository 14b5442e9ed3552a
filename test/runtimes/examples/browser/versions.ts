/** The service worker: the page without a network, and the page after it was changed. */
import { holds, same } from './expect.js';
import type { Known } from './inNode.js';
import type { Pictures } from './pictures.js';
import type { Site } from './site.js';
import type { Tab } from './tab.js';
import { choose } from './ways.js';

const [OLD, NEW] = ['What is in the picture?', 'What may be in the picture?'];

/** A newer page is offered, not forced. */
export async function updated(tab: Tab, site: Site): Promise<void> {
  const { page } = tab;
  await site.change(OLD, NEW);
  await page.reload();
  await tab.ready();
  const button = page.getByRole('button', { name: 'Change to it' });
  await button.waitFor();
  same('the page before it is told to change', await page.title(), OLD);
  await Promise.all([page.waitForEvent('load'), button.click()]);
  same('the page after', await page.title(), NEW);
  const caches = await page.evaluate(async () => (await globalThis.caches.keys()).length);
  same('versions that are kept', caches, 1);
}

/** With the server gone and the network cut. */
export async function offline(tab: Tab, site: Site, { photograph }: Pictures, known: Known): Promise<void> {
  const { page, context } = tab;
  await site.stop();
  await context.setOffline(true);
  await page.reload();
  holds('the browser knows it is offline', await page.evaluate(() => !navigator.onLine));
  const { threads } = await tab.ready();
  const { predictions } = await tab.answered(() => choose(tab, photograph));
  same('the answer', predictions, known.predictions);
  holds('threads', threads > 1);
}
