/** examples/browser in headless Chromium, used as a person would. */
import { chromium, type Browser } from 'playwright-core';
import { broken } from './browser/broken.js';
import { holds, same } from './browser/expect.js';
import { faults } from './browser/faults.js';
import { answerInNode } from './browser/inNode.js';
import { byKeyboard } from './browser/keyboard.js';
import { looks } from './browser/looks.js';
import { makePictures, type Pictures } from './browser/pictures.js';
import { badFiles } from './browser/refusals.js';
import { seen } from './browser/seen.js';
import { openSite } from './browser/site.js';
import { openTab, type Given, type Tab } from './browser/tab.js';
import { offline, updated } from './browser/versions.js';
import { anyWay, choose, transparent, turned } from './browser/ways.js';
import { ARGS, executable, NO_CHROMIUM } from '../chromium.js';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const CAMERA = '--use-fake-device-for-media-stream';
const ALLOWED = '--use-fake-ui-for-media-stream';

/** Names what was tried, where it fails. */
async function trying<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${what}: ${why}`, { cause: error });
  }
}

async function inBrowser<T>(executablePath: string, args: readonly string[], use: (browser: Browser) => Promise<T>) {
  const browser = await chromium.launch({ executablePath, args: [...ARGS, ...args] });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** A camera that is there, and a person who says no. */
async function cameraRefused(tab: Tab, { photograph }: Pictures): Promise<void> {
  const said = await tab.refused(() => tab.page.locator('#start').click());
  holds(`"${said}" is about permission`, said.startsWith('The camera was not allowed.'));
  await tab.answered(() => choose(tab, photograph));
}

interface Opened {
  readonly tab: Tab;
  readonly threads: number;
  readonly loadMs: number;
}

async function loaded(tab: Tab, url: string): Promise<Opened> {
  const begin = performance.now();
  await tab.page.goto(url);
  const { threads } = await tab.ready();
  return { tab, threads, loadMs: performance.now() - begin };
}

/** From a server that does not isolate the page. */
async function openAlone(browser: Browser, url: string): Promise<Opened> {
  const tab = await openTab(browser);
  await tab.context.route('**/*', async (route) => {
    const response = await route.fetch();
    const isolating = /^cross-origin-(opener|embedder)-policy$/;
    const headers = Object.entries(response.headers()).filter(([name]) => !isolating.test(name));
    await route.fulfill({ response, headers: Object.fromEntries(headers) });
  });
  return loaded(tab, url);
}

export async function browserExample(consumer: Consumer): Promise<readonly Answer[] | string> {
  const executablePath = executable();
  if (executablePath === null) return NO_CHROMIUM;
  const [pictures, known] = [await makePictures(), await answerInNode(consumer)];
  const site = await openSite(consumer);
  const plain = `${site.url}?build=plain`;

  /** What the page said, which was held against the logits that Node has. */
  const answer = async ({ tab, loadMs }: Opened, { predictions, milliseconds: ms }: Given): Promise<Answer> => {
    const { build, threads, memory } = await tab.ready();
    return { logits: known.logits, label: predictions[0].label, build, threads, memory, loadMs, ms };
  };

  try {
    await inBrowser(executablePath, [CAMERA, `${ALLOWED}=deny`], async (browser) => {
      const tab = await openTab(browser);
      await tab.page.goto(site.url);
      await trying('a camera that is not allowed', () => cameraRefused(tab, pictures));
      same('complaints', tab.complaints, []);
    });
    return await inBrowser(executablePath, [CAMERA, ALLOWED], async (browser) => {
      await trying('a network that cannot be loaded', () => broken(browser, plain, pictures));
      await trying('a worker that fails', () => faults(browser, plain, pictures));
      await trying('what the network sees', () => seen(browser, plain, pictures));
      const single = await trying('a page that is not isolated', () => openAlone(browser, plain));
      same('threads where the page is not isolated', single.threads, 1);
      const alone = await single.tab.answered(() => choose(single.tab, pictures.photograph));
      same('the answer of one thread', alone.predictions, known.predictions);

      const isolated = await loaded(await openTab(browser), plain);
      const { tab } = isolated;
      holds('threads where the page is isolated', isolated.threads > 1);
      await trying('the keyboard', () => byKeyboard(tab, pictures));
      const given = await trying('files, dropped and pasted', () => anyWay(tab, pictures, known));
      const answers = [await answer(single, alone), await answer(isolated, given)];
      await trying('EXIF', () => turned(tab, pictures));
      await trying('transparency', () => transparent(tab, pictures));
      await trying('bad files', () => badFiles(tab, pictures));
      await trying('looks', () => looks(tab, pictures));
      await trying('a newer version', () => updated(tab, site));
      await trying('offline', () => offline(tab, site, pictures, known));
      same('complaints', [...single.tab.complaints, ...tab.complaints], []);
      return answers;
    });
  } finally {
    await site.stop();
  }
}
