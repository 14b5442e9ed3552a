/** What fails in the worker is told from a picture that nobody can read, and its reason is on the console. */
import type { Browser } from 'playwright-core';
import { holds, same } from './expect.js';
import type { Pictures } from './pictures.js';
import { openTab } from './tab.js';
import { choose } from './ways.js';

const FAULT = 'no canvas today';
const NO_CANVAS = `globalThis.OffscreenCanvas = class { getContext() { throw new Error('${FAULT}'); } };\n`;

export async function faults(browser: Browser, url: string, { photograph, drawing }: Pictures): Promise<void> {
  const tab = await openTab(browser);
  const { page } = tab;
  const logged: [type: string, text: string][] = [];
  page.on('console', (message) => logged.push([message.type(), message.text()]));
  await tab.context.route('**/worker.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: NO_CANVAS + (await response.text()) });
  });
  await page.goto(url);
  await tab.ready();

  const said = await tab.refused(() => choose(tab, photograph));
  holds(`"${said}" is about the network`, said.startsWith(`The network gave no answer (${FAULT}).`));
  same('the console, of a fault', logged, [['error', `chelsea.png: ${FAULT}`]]);

  await choose(tab, drawing);
  await page.locator('#error', { hasText: 'drawing.svg is not a picture' }).waitFor();
  const [, [type, text]] = logged;
  same('the console, of a picture that cannot be read', type, 'info');
  holds(`"${text}" says why`, /^drawing\.svg: .*decode/.test(text));
  // The service worker may still be asking.
  await tab.context.unrouteAll({ behavior: 'ignoreErrors' });
  await tab.context.close();
}
