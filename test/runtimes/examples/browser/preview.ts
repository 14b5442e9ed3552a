/** The preview shows the input of the network, also for a network that crops the center. */
import type { Browser } from 'playwright-core';
import { expectTrue, expectEqual } from './expect.js';
import type { Pictures } from './pictures.js';
import { openTab } from './tab.js';
import { choose } from './inputs.js';

/** The same weights, with a crop_pct of 0.875. The length of the header does not change. */
function withCrop(weights: Buffer): Buffer {
  const length = Number(weights.readBigUInt64LE());
  const header = weights.subarray(8, 8 + length).toString('latin1');
  const changed = header.replace('"format":"pt",', '').replace('crop_pct\\":1,', 'crop_pct\\":0.875,');
  expectTrue('the header has crop_pct', changed !== header.replace('"format":"pt",', ''));
  return Buffer.concat([
    weights.subarray(0, 8),
    Buffer.from(changed.padEnd(length), 'latin1'),
    weights.subarray(8 + length),
  ]);
}

export async function checkPreview(browser: Browser, url: string, { framed }: Pictures): Promise<void> {
  const tab = await openTab(browser);
  await tab.context.route('**/weights.safetensors', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: withCrop(await response.body()) });
  });
  await tab.page.goto(url);
  await tab.ready();
  await tab.answered(() => choose(tab, framed));
  await tab.page.locator('#best:not(:empty)').waitFor();
  const colors = await tab.page.locator('#small').evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, width, height) ?? { data: [] };
    const unique = new Set<string>();
    for (let i = 0; i < data.length; i += 4) unique.add([data[i], data[i + 1], data[i + 2]].join());
    return [...unique];
  });
  expectEqual('colors of the preview', colors, ['0,0,255']);
  // The service worker may still send requests.
  await tab.context.unrouteAll({ behavior: 'ignoreErrors' });
  await tab.context.close();
}
