/** A page in headless Chromium, bundled by each bundler as it comes, with and without cross-origin isolation. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { BUNDLERS, type Bundler } from '../bundlers.js';
import { ARGS, executable, NO_CHROMIUM } from '../chromium.js';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.json': 'application/json' };
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export const page =
  (bundler: Bundler, { isolated }: { readonly isolated: boolean }) =>
  async ({ folder }: Consumer): Promise<readonly Answer[] | string> => {
    const executablePath = executable();
    if (executablePath === null) return NO_CHROMIUM;
    const out = join(folder, `page-${bundler}`);
    await BUNDLERS[bundler](join(folder, 'page.mjs'), out);
    const browser = await chromium.launch({ executablePath, args: [...ARGS] });
    try {
      const tab = await browser.newPage();
      const errors: string[] = [];
      tab.on('pageerror', (error) => errors.push(error.message));
      await tab.route('**/*', async (route) => {
        const { pathname } = new URL(route.request().url());
        const headers = isolated ? ISOLATED : {};
        if (pathname === '/') {
          const body = '<!doctype html><script type="module" src="/page.js"></script>';
          return route.fulfill({ contentType: 'text/html', headers, body });
        }
        const path = [join(out, pathname), join(folder, pathname)].find((each) => existsSync(each));
        if (path === undefined) return route.fulfill({ status: 404 });
        const contentType = TYPES[extname(path)] ?? 'application/octet-stream';
        return route.fulfill({ contentType, headers, body: await readFile(path) });
      });
      await tab.goto('http://localhost/');
      await tab
        .waitForFunction(() => 'answers' in globalThis, null, { timeout: 10_000 })
        .catch(() => {
          throw new Error(`the page did not start: ${errors.join('; ')}`);
        });
      const [answers, isIsolated] = await tab.evaluate(async (): Promise<[Answer[], boolean]> => [
        await (globalThis as unknown as { answers: () => Promise<Answer[]> }).answers(),
        crossOriginIsolated,
      ]);
      if (isIsolated !== isolated) throw new Error(`crossOriginIsolated is ${String(isIsolated)}`);
      const most = Math.max(...answers.map(({ threads }) => threads));
      if (isolated !== most > 1) throw new Error(`${most} threads`);
      return answers;
    } finally {
      await browser.close();
    }
  };
