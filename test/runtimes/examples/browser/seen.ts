/** What is shown as seen by the network is what it sees, also by one that looks at the middle alone. */
import type { Browser } from 'playwright-core';
import { holds, same } from './expect.js';
import type { Pictures } from './pictures.js';
import { openTab } from './tab.js';
import { choose } from './ways.js';

/** The same weights, of a network that crops as most do. The header is as long as it was. */
function cropping(weights: Buffer): Buffer {
  const length = Number(weights.readBigUInt64LE());
  const header = weights.subarray(8, 8 + length).toString('latin1');
  const changed = header.replace('"format":"pt",', '').replace('crop_pct\\":1,', 'crop_pct\\":0.875,');
  holds('the weights say how to crop', changed !== header.replace('"format":"pt",', ''));
  return Buffer.concat([
    weights.subarray(0, 8),
    Buffer.from(changed.padEnd(length), 'latin1'),
    weights.subarray(8 + length),
  ]);
}

export async function seen(browser: Browser, url: string, { framed }: Pictures): Promise<void> {
  const tab = await openTab(browser);
  await tab.context.route('**/weights.safetensors', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: cropping(await response.body()) });
  });
  await tab.page.goto(url);
  await tab.ready();
  await tab.answered(() => choose(tab, framed));
  await tab.page.locator('#best:not(:empty)').waitFor();
  const colors = await tab.page.locator('#small').evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, width, height) ?? { data: [] };
    const found = new Set<string>();
    for (let i = 0; i < data.length; i += 4) found.add([data[i], data[i + 1], data[i + 2]].join());
    return [...found];
  });
  same('colors of what the network sees', colors, ['0,0,255']);
  // The service worker may still be asking.
  await tab.context.unrouteAll({ behavior: 'ignoreErrors' });
  await tab.context.close();
}
