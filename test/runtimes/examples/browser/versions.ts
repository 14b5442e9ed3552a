/** The service worker: a newer version of the page, and the page offline. */
import { expectTrue, expectEqual } from './expect.js';
import type { NodeAnswer } from './inNode.js';
import type { Pictures } from './pictures.js';
import type { Site } from './site.js';
import type { Tab } from './tab.js';
import { choose } from './inputs.js';

const [OLD, NEW] = ['What is in the picture?', 'What may be in the picture?'];

/** A newer version is used only when the user accepts it. */
export async function checkUpdate(tab: Tab, site: Site): Promise<void> {
  const { page } = tab;
  await site.change(OLD, NEW);
  await page.reload();
  await tab.ready();
  const button = page.getByRole('button', { name: 'Change to it' });
  await button.waitFor();
  expectEqual('the title before the user accepts', await page.title(), OLD);
  await Promise.all([page.waitForEvent('load'), button.click()]);
  expectEqual('the title after the user accepts', await page.title(), NEW);
  const caches = await page.evaluate(async () => (await globalThis.caches.keys()).length);
  expectEqual('cached versions', caches, 1);
}

/** The page works with the server stopped and the network off. */
export async function checkOffline(
  tab: Tab,
  site: Site,
  { photograph }: Pictures,
  nodeAnswer: NodeAnswer,
): Promise<void> {
  const { page, context } = tab;
  await site.stop();
  await context.setOffline(true);
  await page.reload();
  // Not by navigator.onLine: newer Chromium reports true although the emulation blocks all requests.
  expectTrue('no server answers', (await fetch(site.url).catch(() => null)) === null);
  const { threads } = await tab.ready();
  const { predictions } = await tab.answered(() => choose(tab, photograph));
  expectEqual('the answer', predictions, nodeAnswer.predictions);
  expectTrue('threads', threads > 1);
}
