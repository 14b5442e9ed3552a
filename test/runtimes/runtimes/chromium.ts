/**
 * A page in headless Chromium, with and without cross-origin isolation: bundled by each bundler as
 * it comes, or with a script tag that imports the package's one file for browsers from elsewhere.
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
/** A site that is not on the network may ask a server that is on this machine. */
const LOCAL = ['--disable-features=LocalNetworkAccessChecks'];
export const BUNDLED = '<!doctype html><script type="module" src="/page.js"></script>';

/** Another origin, which has the unpacked archive. */
const CDN = 'https://cdn.example/vanillanet/';
const IMPORTED = `<!doctype html><script type="module">
  import * as vanillanet from '${CDN}dist/browser.js';
  import { answersOf } from '/pageAnswers.mjs';
  globalThis.answers = () => answersOf(vanillanet);
</script>`;

interface Site {
  readonly html: string;
  /** Folders, in the first of which that has it a file is found. */
  readonly roots: readonly string[];
  readonly isolated: boolean;
  /** Where the weights are, if not on the site. */
  readonly weights?: string;
}

/** @returns what was asked of the other origin */
async function serve(tab: Page, { folder }: Consumer, { html, roots, isolated }: Site): Promise<string[]> {
  const elsewhere: string[] = [];
  const headers = isolated ? ISOLATED : {};
  await tab.route(/^http:\/\/localhost\/|^https:\/\/cdn\.example\//, async (route) => {
    const url = route.request().url();
    const isElsewhere = url.startsWith(CDN);
    if (isElsewhere) elsewhere.push(url.slice(CDN.length));
    const { pathname } = new URL(url);
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', headers, body: html });
    const places = isElsewhere
      ? [join(folder, 'node_modules/vanillanet', url.slice(CDN.length))]
      : roots.map((root) => join(root, pathname));
    const path = places.find((each) => existsSync(each));
    if (path === undefined) return route.fulfill({ status: 404 });
    const contentType = TYPES[extname(path)] ?? 'application/octet-stream';
    const shared = isElsewhere ? { 'Access-Control-Allow-Origin': '*' } : headers;
    return route.fulfill({ contentType, headers: shared, body: await readFile(path) });
  });
  return elsewhere;
}

/** Opens the site, and asks it something when it has begun. */
export async function tabOf<T>(
  consumer: Consumer,
  site: Site,
  ask: (tab: Page) => Promise<T>,
): Promise<{ answer: T; elsewhere: readonly string[] }> {
  const executablePath = executable();
  if (executablePath === null) throw new Error(NO_CHROMIUM);
  const browser = await chromium.launch({ executablePath, args: [...ARGS, ...LOCAL] });
  try {
    const tab = await browser.newPage();
    const errors: string[] = [];
    tab.on('pageerror', (error) => errors.push(error.message));
    const elsewhere = await serve(tab, consumer, site);
    await tab.goto('http://localhost/');
    await tab
      .waitForFunction(() => 'answers' in globalThis, null, { timeout: 10_000 })
      .catch(() => {
        throw new Error(`the page did not start: ${errors.join('; ')}`);
      });
    const isIsolated = await tab.evaluate(() => crossOriginIsolated);
    if (isIsolated !== site.isolated) throw new Error(`crossOriginIsolated is ${String(isIsolated)}`);
    return { answer: await ask(tab), elsewhere };
  } finally {
    await browser.close();
  }
}

async function answersAt(
  consumer: Consumer,
  site: Site,
): Promise<{ answers: readonly Answer[]; elsewhere: readonly string[] } | string> {
  if (executable() === null) return NO_CHROMIUM;
  const { answer: answers, elsewhere } = await tabOf(consumer, site, (tab) =>
    tab.evaluate(
      (weights) => (globalThis as unknown as { answers: (weights?: string) => Promise<Answer[]> }).answers(weights),
      site.weights,
    ),
  );
  const most = Math.max(...answers.map(({ threads }) => threads));
  if (site.isolated !== most > 1) throw new Error(`${most} threads`);
  return { answers, elsewhere };
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
    const found = await answersAt(consumer, { html, roots: [out, folder], ...options });
    return typeof found === 'string' ? found : found.answers;
  };

/** Weights from another origin that lets everybody read, and no more, over connections that break. */
export async function foreignWeights(consumer: Consumer): Promise<readonly Answer[] | string> {
  const file = 'net.safetensors';
  const server = await openBreakingServer(new Map([[file, await readFile(join(consumer.folder, file))]]));
  try {
    const answers = await page('esbuild', { isolated: true, weights: `${server.url}/${file}` })(consumer);
    const { whole, rest } = server.asked;
    if (typeof answers !== 'string' && (rest === 0 || rest !== whole)) throw new Error(`${rest} of ${whole} went on`);
    return answers;
  } finally {
    server.close();
  }
}

export const scriptTag =
  ({ isolated }: { readonly isolated: boolean }) =>
  async (consumer: Consumer): Promise<readonly Answer[] | string> => {
    const found = await answersAt(consumer, { html: IMPORTED, roots: [consumer.folder], isolated });
    if (typeof found === 'string') return found;
    // All of the package, threads as well, is the one file.
    if (found.elsewhere.join() !== 'dist/browser.js') throw new Error(`imported ${found.elsewhere.join(', ')}`);
    return found.answers;
  };
