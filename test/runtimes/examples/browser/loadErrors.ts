/** If the network cannot be loaded, the page reports it for a waiting picture and for later pictures. */
import type { Browser } from 'playwright-core';
import { expectTrue } from './expect.js';
import type { Pictures } from './pictures.js';
import { openTab } from './tab.js';
import { choose } from './inputs.js';

/**
 * Files that are missing. The worker reports missing weights; if the worker itself is missing, the page must notice.
 */
const FILES = ['weights.safetensors', 'worker.js'];

export async function checkLoadErrors(browser: Browser, url: string, { photograph }: Pictures): Promise<void> {
  for (const file of FILES) {
    const tab = await openTab(browser);
    const { page } = tab;
    let respond = (): void => undefined;
    const requested = new Promise<void>((resolve) => {
      respond = resolve;
    });
    await tab.context.route(`**/${file}`, async (route) => {
      await requested;
      await route.fulfill({ status: 404 });
    });
    const isBusy = (busy: boolean): Promise<unknown> =>
      page.waitForFunction((value) => document.querySelector('#stage')?.ariaBusy === value, `${busy}`);
    const expectLoadError = async (act: () => Promise<void>): Promise<void> => {
      const message = await tab.refused(act);
      expectTrue(
        `"${message}" is about the network, without ${file}`,
        message.startsWith('The network could not be loaded ('),
      );
      await isBusy(false);
    };
    await page.goto(url);
    await choose(tab, photograph);
    await isBusy(true);
    await expectLoadError(() => {
      respond();
      return Promise.resolve();
    });
    await expectLoadError(() => choose(tab, photograph));
    await tab.context.unrouteAll({ behavior: 'ignoreErrors' });
    await tab.context.close();
  }
}
