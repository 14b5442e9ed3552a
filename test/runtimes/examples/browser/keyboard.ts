/** Uses the page with the keyboard only: choosing a file, the camera, and the position of the focus. */
import type { Page } from 'playwright-core';
import { expectTrue, expectEqual } from './expect.js';
import type { Pictures } from './pictures.js';
import type { Tab } from './tab.js';

const focusedId = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '');

/** Checks that a control has the focus, and that its outline is visible. */
async function expectFocus(page: Page, id: string): Promise<void> {
  // Focus may move once the camera has started.
  await page.waitForFunction((expectedId) => document.activeElement?.id === expectedId, id).catch(() => undefined);
  expectEqual('the focus is on', await focusedId(page), id);
  const outline = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body);
    return `${outlineWidth} ${outlineStyle}`;
  });
  expectEqual(`the outline of ${id}`, outline, '3px solid');
}

const isFilming = (page: Page): Promise<boolean> =>
  page
    .locator('#video')
    .evaluate((video) => ((video as HTMLVideoElement).srcObject as MediaStream | null)?.active ?? false);

async function startCamera(page: Page): Promise<void> {
  await expectFocus(page, 'start');
  await page.keyboard.press('Enter');
  await expectFocus(page, 'capture');
  expectTrue('the camera runs', await isFilming(page));
}

/** @param tab a tab that has just loaded the page, with a camera */
export async function checkKeyboard(tab: Tab, { photograph }: Pictures): Promise<void> {
  const { page } = tab;
  // Registered early, because Playwright needs a moment to intercept the file chooser.
  const choosing = page.waitForEvent('filechooser');
  await page.keyboard.press('Tab');
  await expectFocus(page, 'choose');
  await tab.answered(async () => {
    await page.keyboard.press('Enter');
    await (await choosing).setFiles(photograph);
  });
  await page.keyboard.press('Tab');

  await startCamera(page);
  await tab.answered(() => page.keyboard.press('Enter'));
  await expectFocus(page, 'start');
  expectEqual('the camera still runs', await isFilming(page), false);
  const image = page.locator('#picture img');
  expectEqual('the picture', await image.getAttribute('alt'), 'The camera’s picture');
  expectTrue('the picture has pixels', await image.evaluate((each) => (each as HTMLImageElement).naturalWidth > 0));

  await startCamera(page);
  await page.keyboard.press('Tab');
  await expectFocus(page, 'stop');
  await page.keyboard.press('Enter');
  await expectFocus(page, 'start');
  expectEqual('the camera after Stop', await isFilming(page), false);

  await startCamera(page);
  await page.keyboard.press('Escape');
  await expectFocus(page, 'start');
  expectEqual('the camera after Escape', await isFilming(page), false);
}
