/** A network that cannot be loaded: said to whoever waits for an answer, and to whoever asks later. */
import type { Browser } from 'playwright-core';
import { holds } from './expect.js';
import type { Pictures } from './pictures.js';
import { openTab } from './tab.js';
import { choose } from './ways.js';

/** What does not come: the worker says so of its weights, and cannot of itself. */
const FILES = ['weights.safetensors', 'worker.js'];

export async function broken(browser: Browser, url: string, { photograph }: Pictures): Promise<void> {
  for (const file of FILES) {
    const tab = await openTab(browser);
    const { page } = tab;
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await tab.context.route(`**/${file}`, async (route) => {
      await asked;
      await route.fulfill({ status: 404 });
    });
    const isBusy = (busy: boolean): Promise<unknown> =>
      page.waitForFunction((value) => document.querySelector('#stage')?.ariaBusy === value, `${busy}`);
    const isTold = async (act: () => Promise<void>): Promise<void> => {
      const said = await tab.refused(act);
      holds(`"${said}" is about the network, without ${file}`, said.startsWith('The network could not be loaded ('));
      await isBusy(false);
    };
    await page.goto(url);
    await choose(tab, photograph);
    await isBusy(true);
    await isTold(() => {
      answer();
      return Promise.resolve();
    });
    await isTold(() => choose(tab, photograph));
    await tab.context.unrouteAll({ behavior: 'ignoreErrors' });
    await tab.context.close();
  }
}
