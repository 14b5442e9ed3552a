/** The page distinguishes an error in the worker from an unreadable picture, and logs the cause to the console. */
import type { Browser } from 'playwright-core';
import { expectTrue, expectEqual } from './expect.js';
import type { Pictures } from './pictures.js';
import { openTab } from './tab.js';
import { choose } from './inputs.js';

const FAULT = 'no canvas today';
const NO_CANVAS = `globalThis.OffscreenCanvas = class { getContext() { throw new Error('${FAULT}'); } };\n`;

export async function checkWorkerErrors(
  browser: Browser,
  url: string,
  { photograph, drawing }: Pictures,
): Promise<void> {
  const tab = await openTab(browser);
  const { page } = tab;
  const logged: [type: string, text: string][] = [];
  page.on('console', (entry) => logged.push([entry.type(), entry.text()]));
  await tab.context.route('**/worker.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: NO_CANVAS + (await response.text()) });
  });
  await page.goto(url);
  await tab.ready();

  const message = await tab.refused(() => choose(tab, photograph));
  expectTrue(`"${message}" is about the network`, message.startsWith(`The network gave no answer (${FAULT}).`));
  expectEqual('the console after an error in the worker', logged, [['error', `chelsea.png: ${FAULT}`]]);

  await choose(tab, drawing);
  await page.locator('#error', { hasText: 'drawing.svg is not a picture' }).waitFor();
  const [, [type, text]] = logged;
  expectEqual('the console after an unreadable picture', type, 'info');
  expectTrue(`"${text}" says why`, /^drawing\.svg: .*decode/.test(text));
  // The service worker may still send requests.
  await tab.context.unrouteAll({ behavior: 'ignoreErrors' });
  await tab.context.close();
}
