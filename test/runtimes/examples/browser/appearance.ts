/** Checks the appearance of the page, and writes screenshots to dist/reports for manual review. */
import axe from 'axe-core';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expectTrue, expectEqual } from './expect.js';
import type { Pictures } from './pictures.js';
import { shownPredictions, type Tab } from './tab.js';
import { choose } from './inputs.js';

const REPORTS = fileURLToPath(new URL('../../../../dist/reports/', import.meta.url));
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const NARROW = { width: 320, height: 640 };
/** Resolution of Chromium's layout, in CSS pixels. */
const LAYOUT_UNIT = 1 / 64;

/** Checks contrast, names, roles, order of headings and similar rules with axe. */
async function checkAccessibility(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const report = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return report.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expectEqual(`accessibility, ${what}`, violations, []);
}

/** Checks that the length of each bar is proportional to its probability. */
async function checkBars(page: Page): Promise<void> {
  const probabilities = (await shownPredictions(page)).map(({ probability }) => probability);
  const bars = await page.locator('#guesses .bar').evaluateAll((all) =>
    all.map((bar) => ({
      fullWidth: bar.getBoundingClientRect().width,
      filledWidth: bar.firstElementChild?.getBoundingClientRect().width ?? NaN,
    })),
  );
  expectEqual('the bars', bars.length, 5);
  bars.forEach(({ fullWidth, filledWidth }, i) => {
    const expected = probabilities[i] * fullWidth;
    expectTrue(
      `bar ${i} of ${expected} px has ${filledWidth}`,
      fullWidth > 200 && Math.abs(filledWidth - expected) <= LAYOUT_UNIT,
    );
  });
}

/** Checks that the middle of the first bar has the color of its style in the screenshot. */
async function checkColor(page: Page, png: Buffer): Promise<void> {
  const bar = page.locator('#guesses .fill-bar').first();
  const box = await bar.boundingBox();
  if (box === null) throw new Error('the first bar is not visible');
  const [left, top] = [box.x + box.width / 2, box.y + box.height / 2].map(Math.floor);
  const pixel = await sharp(png).extract({ left, top, width: 1, height: 1 }).removeAlpha().raw().toBuffer();
  const color = await bar.evaluate((each) => getComputedStyle(each).backgroundColor);
  expectEqual('the color of the first bar', `rgb(${[...pixel].join(', ')})`, color);
}

export async function checkAppearance(tab: Tab, { photograph }: Pictures): Promise<void> {
  const { page } = tab;
  await mkdir(REPORTS, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.reload();
    await tab.ready();
    await checkAccessibility(page, `${colorScheme}, empty`);
    await tab.answered(() => choose(tab, photograph));
    await page.locator('#offline', { hasText: 'without a connection' }).waitFor();
    await checkAccessibility(page, `${colorScheme}, answered`);
    for (const [name, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      await checkBars(page);
      const path = join(REPORTS, `example-browser-${name}-${colorScheme}.png`);
      await checkColor(page, await page.screenshot({ path }));
    }
    await page.setViewportSize(NARROW);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expectEqual('the width of the page on a narrow screen', width, NARROW.width);
  }
}
