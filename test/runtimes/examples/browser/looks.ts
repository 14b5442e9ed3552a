/** How it looks: pictures of the page for whoever wants to see, and what a program can say of them. */
import axe from 'axe-core';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { holds, same } from './expect.js';
import type { Pictures } from './pictures.js';
import { shown, type Tab } from './tab.js';
import { choose } from './ways.js';

const REPORTS = fileURLToPath(new URL('../../../../dist/reports/', import.meta.url));
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const NARROW = { width: 320, height: 640 };
/** Of a CSS pixel: what Chromium's layout counts in. */
const LAYOUT_UNIT = 1 / 64;

/** Contrast, names, roles, order of headings and the like. */
async function isAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const found = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  same(`accessibility, ${what}`, violations, []);
}

/** Each bar is as long as its probability says. */
async function barsFit(page: Page): Promise<void> {
  const probabilities = (await shown(page)).map(({ probability }) => probability);
  const bars = await page.locator('#guesses .bar').evaluateAll((all) =>
    all.map((bar) => ({
      whole: bar.getBoundingClientRect().width,
      part: bar.firstElementChild?.getBoundingClientRect().width ?? NaN,
    })),
  );
  same('the bars', bars.length, 5);
  bars.forEach(({ whole, part }, i) => {
    const wanted = probabilities[i] * whole;
    holds(`bar ${i} of ${wanted} px has ${part}`, whole > 200 && Math.abs(part - wanted) <= LAYOUT_UNIT);
  });
}

/** The middle of the first bar has, on the screenshot, the color that it should. */
async function isPainted(page: Page, png: Buffer): Promise<void> {
  const bar = page.locator('#guesses .fill-bar').first();
  const box = await bar.boundingBox();
  if (box === null) throw new Error('the first bar is not to be seen');
  const [left, top] = [box.x + box.width / 2, box.y + box.height / 2].map(Math.floor);
  const pixel = await sharp(png).extract({ left, top, width: 1, height: 1 }).removeAlpha().raw().toBuffer();
  const color = await bar.evaluate((each) => getComputedStyle(each).backgroundColor);
  same('the color of the first bar', `rgb(${[...pixel].join(', ')})`, color);
}

export async function looks(tab: Tab, { photograph }: Pictures): Promise<void> {
  const { page } = tab;
  await mkdir(REPORTS, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.reload();
    await tab.ready();
    await isAccessible(page, `${colorScheme}, empty`);
    await tab.answered(() => choose(tab, photograph));
    await page.locator('#offline', { hasText: 'without a connection' }).waitFor();
    await isAccessible(page, `${colorScheme}, answered`);
    for (const [name, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      await barsFit(page);
      const path = join(REPORTS, `example-browser-${name}-${colorScheme}.png`);
      await isPainted(page, await page.screenshot({ path }));
    }
    await page.setViewportSize(NARROW);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    same('the width of the page on a narrow screen', width, NARROW.width);
  }
}
