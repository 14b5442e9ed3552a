/**
 * A page in headless Chromium, with and without cross-origin isolation: bundled by each bundler with default settings,
 * or with a script tag that imports the package's file for browsers from another origin.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { openBreakingServer } from '../breakingServer.js';
import { BUNDLERS, type Bundler } from '../bundlers.js';
import { ARGS, executable, NO_CHROMIUM } from '../chromium.js';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.mjs': 'text/javascript' };
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
/** Allows the intercepted site to send requests to a server on this machine. */
const LOCAL = ['--disable-features=LocalNetworkAccessChecks'];
export const BUNDLED = '<!doctype html><script type="module" src="/page.js"></script>';

/** Another origin, with the files of the unpacked tarball. */
const CDN = 'https://cdn.example/vanillanet/';
const IMPORTED = `<!doctype html><script type="module">
  import * as vanillanet from '${CDN}dist/browser.js';
  import { answersOf } from '/pageAnswers.mjs';
  globalThis.answers = () => answersOf(vanillanet);
</script>`;

interface Site {
  readonly html: string;
  /** Folders that are searched in order for a requested file. */
  readonly roots: readonly string[];
  readonly isolated: boolean;
  /** The URL of the weights, if they are not on the site. */
  readonly weights?: string;
}

/** Answers the requests of a page. @returns the paths requested from the other origin */
async function serve(tab: Page, { folder }: Consumer, { html, roots, isolated }: Site): Promise<string[]> {
  const crossOriginPaths: string[] = [];
  const headers = isolated ? ISOLATED : {};
  await tab.route(/^http:\/\/localhost\/|^https:\/\/cdn\.example\//, async (route) => {
    const url = route.request().url();
    const isCrossOrigin = url.startsWith(CDN);
    if (isCrossOrigin) crossOriginPaths.push(url.slice(CDN.length));
    const { pathname } = new URL(url);
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', headers, body: html });
    const candidates = isCrossOrigin
      ? [join(folder, 'node_modules/vanillanet', url.slice(CDN.length))]
      : roots.map((root) => join(root, pathname));
    const path = candidates.find((each) => existsSync(each));
    if (path === undefined) return route.fulfill({ status: 404 });
    const contentType = TYPES[extname(path)] ?? 'application/octet-stream';
    const originHeaders = isCrossOrigin ? { 'Access-Control-Allow-Origin': '*' } : headers;
    return route.fulfill({ contentType, headers: originHeaders, body: await readFile(path) });
  });
  return crossOriginPaths;
}

/** Opens the site, and calls `ask` when its script has run. */
export async function tabOf<T>(
  consumer: Consumer,
  site: Site,
  ask: (tab: Page) => Promise<T>,
): Promise<{ answer: T; crossOriginPaths: readonly string[] }> {
  const executablePath = executable();
  if (executablePath === null) throw new Error(NO_CHROMIUM);
  const browser = await chromium.launch({ executablePath, args: [...ARGS, ...LOCAL] });
  try {
    const tab = await browser.newPage();
    const errors: string[] = [];
    tab.on('pageerror', (error) => errors.push(error.message));
    const crossOriginPaths = await serve(tab, consumer, site);
    await tab.goto('http://localhost/');
    await tab
      .waitForFunction(() => 'answers' in globalThis, null, { timeout: 10_000 })
      .catch(() => {
        throw new Error(`the page did not start: ${errors.join('; ')}`);
      });
    const isIsolated = await tab.evaluate(() => crossOriginIsolated);
    if (isIsolated !== site.isolated) throw new Error(`crossOriginIsolated is ${String(isIsolated)}`);
    return { answer: await ask(tab), crossOriginPaths };
  } finally {
    await browser.close();
  }
}

async function answersAt(
  consumer: Consumer,
  site: Site,
): Promise<{ answers: readonly Answer[]; crossOriginPaths: readonly string[] } | string> {
  if (executable() === null) return NO_CHROMIUM;
  const { answer: answers, crossOriginPaths } = await tabOf(consumer, site, (tab) =>
    tab.evaluate(
      (weights) => (globalThis as unknown as { answers: (weights?: string) => Promise<Answer[]> }).answers(weights),
      site.weights,
    ),
  );
  const maxThreads = Math.max(...answers.map(({ threads }) => threads));
  if (site.isolated !== maxThreads > 1) throw new Error(`${maxThreads} threads`);
  return { answers, crossOriginPaths };
}

interface PageOptions {
  readonly isolated: boolean;
  readonly weights?: string;
}

export const page =
  (bundler: Bundler, options: PageOptions) =>
  async (consumer: Consumer): Promise<readonly Answer[] | string> => {
    if (executable() === null) return NO_CHROMIUM;
    const { folder } = consumer;
    const out = join(folder, `page-${bundler}`);
    await BUNDLERS[bundler](join(folder, 'page.mjs'), out);
    const own = join(out, 'index.html');
    const html = existsSync(own) ? await readFile(own, 'utf8') : BUNDLED;
    const result = await answersAt(consumer, { html, roots: [out, folder], ...options });
    return typeof result === 'string' ? result : result.answers;
  };

/** Weights from another origin that allows reading and exposes no headers, over connections that break. */
export async function foreignWeights(consumer: Consumer): Promise<readonly Answer[] | string> {
  const file = 'net.safetensors';
  const server = await openBreakingServer(new Map([[file, await readFile(join(consumer.folder, file))]]));
  try {
    const answers = await page('esbuild', { isolated: true, weights: `${server.url}/${file}` })(consumer);
    const { whole, rest } = server.requests;
    if (typeof answers !== 'string' && (rest === 0 || rest !== whole))
      throw new Error(`${rest} of ${whole} downloads were resumed`);
    return answers;
  } finally {
    server.close();
  }
}

export const scriptTag =
  ({ isolated }: { readonly isolated: boolean }) =>
  async (consumer: Consumer): Promise<readonly Answer[] | string> => {
    const result = await answersAt(consumer, { html: IMPORTED, roots: [consumer.folder], isolated });
    if (typeof result === 'string') return result;
    // The file contains everything, including the code of threads.
    if (result.crossOriginPaths.join() !== 'dist/browser.js')
      throw new Error(`imported ${result.crossOriginPaths.join(', ')}`);
    return result.answers;
  };
