/** Everything by the keyboard: a file, the camera, and where the focus is. */
import type { Page } from 'playwright-core';
import { holds, same } from './expect.js';
import type { Pictures } from './pictures.js';
import type { Tab } from './tab.js';

const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '');

/** The control that has the focus, which is to be seen. */
async function isOn(page: Page, id: string): Promise<void> {
  // Focus may move once the camera has started.
  await page.waitForFunction((wanted) => document.activeElement?.id === wanted, id).catch(() => undefined);
  same('the focus is on', await focused(page), id);
  const outline = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body);
    return `${outlineWidth} ${outlineStyle}`;
  });
  same(`the outline of ${id}`, outline, '3px solid');
}

const filming = (page: Page): Promise<boolean> =>
  page
    .locator('#video')
    .evaluate((video) => ((video as HTMLVideoElement).srcObject as MediaStream | null)?.active ?? false);

async function startCamera(page: Page): Promise<void> {
  await isOn(page, 'start');
  await page.keyboard.press('Enter');
  await isOn(page, 'capture');
  holds('the camera runs', await filming(page));
}

/** Of a page just loaded, with a camera. */
export async function byKeyboard(tab: Tab, { photograph }: Pictures): Promise<void> {
  const { page } = tab;
  // Listened for in time: Playwright keeps the chooser from opening only some moments later.
  const choosing = page.waitForEvent('filechooser');
  await page.keyboard.press('Tab');
  await isOn(page, 'choose');
  await tab.answered(async () => {
    await page.keyboard.press('Enter');
    await (await choosing).setFiles(photograph);
  });
  await page.keyboard.press('Tab');

  await startCamera(page);
  await tab.answered(() => page.keyboard.press('Enter'));
  await isOn(page, 'start');
  same('the camera runs on', await filming(page), false);
  const image = page.locator('#picture img');
  same('the picture', await image.getAttribute('alt'), 'The camera’s picture');
  holds('the picture has pixels', await image.evaluate((each) => (each as HTMLImageElement).naturalWidth > 0));

  await startCamera(page);
  await page.keyboard.press('Tab');
  await isOn(page, 'stop');
  await page.keyboard.press('Enter');
  await isOn(page, 'start');
  same('the camera after Stop', await filming(page), false);

  await startCamera(page);
  await page.keyboard.press('Escape');
  await isOn(page, 'start');
  same('the camera after Escape', await filming(page), false);
}
