/** Tests examples/browser in headless Chromium, with the actions of a user. */
import { chromium, type Browser } from 'playwright-core';
import { checkLoadErrors } from './browser/loadErrors.js';
import { expectEqual, expectTrue } from './browser/expect.js';
import { checkWorkerErrors } from './browser/workerErrors.js';
import { answerInNode } from './browser/inNode.js';
import { checkKeyboard } from './browser/keyboard.js';
import { checkAppearance } from './browser/appearance.js';
import { makePictures, type Pictures } from './browser/pictures.js';
import { checkBadFiles } from './browser/badFiles.js';
import { checkPreview } from './browser/preview.js';
import { openSite } from './browser/site.js';
import { openTab, type Answer as PageAnswer, type Tab } from './browser/tab.js';
import { checkOffline, checkUpdate } from './browser/versions.js';
import { checkInputs, checkOrientation, checkTransparency, choose } from './browser/inputs.js';
import { ARGS, executable, NO_CHROMIUM } from '../chromium.js';
import type { Consumer } from '../consumer.js';
import type { Answer } from '../report.js';

const CAMERA = '--use-fake-device-for-media-stream';
const ALLOWED = '--use-fake-ui-for-media-stream';

/** Runs a check. If it fails, the error begins with the name of the check. */
async function check<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${what}: ${why}`, { cause: error });
  }
}

async function withBrowser<T>(executablePath: string, args: readonly string[], use: (browser: Browser) => Promise<T>) {
  const browser = await chromium.launch({ executablePath, args: [...ARGS, ...args] });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** The user denies access to the camera. */
async function checkCameraDenied(tab: Tab, { photograph }: Pictures): Promise<void> {
  const message = await tab.refused(() => tab.page.locator('#start').click());
  expectTrue(`"${message}" is about permission`, message.startsWith('The camera was not allowed.'));
  await tab.answered(() => choose(tab, photograph));
}

interface OpenedPage {
  readonly tab: Tab;
  readonly threads: number;
  readonly loadMs: number;
}

async function openPage(tab: Tab, url: string): Promise<OpenedPage> {
  const begin = performance.now();
  await tab.page.goto(url);
  const { threads } = await tab.ready();
  return { tab, threads, loadMs: performance.now() - begin };
}

/** Opens the page without cross-origin isolation: removes these headers from the responses. */
async function openNotIsolated(browser: Browser, url: string): Promise<OpenedPage> {
  const tab = await openTab(browser);
  await tab.context.route('**/*', async (route) => {
    const response = await route.fetch();
    const isolating = /^cross-origin-(opener|embedder)-policy$/;
    const headers = Object.entries(response.headers()).filter(([name]) => !isolating.test(name));
    await route.fulfill({ response, headers: Object.fromEntries(headers) });
  });
  return openPage(tab, url);
}

export async function browserExample(consumer: Consumer): Promise<readonly Answer[] | string> {
  const executablePath = executable();
  if (executablePath === null) return NO_CHROMIUM;
  const [pictures, nodeAnswer] = [await makePictures(), await answerInNode(consumer)];
  const site = await openSite(consumer);
  const plain = `${site.url}?build=plain`;

  /** The answer to report. The page's predictions have been compared with Node's, so the logits are Node's. */
  const answer = async (
    { tab, loadMs }: OpenedPage,
    { predictions, milliseconds: ms }: PageAnswer,
  ): Promise<Answer> => {
    const { build, threads, memory } = await tab.ready();
    return { logits: nodeAnswer.logits, label: predictions[0].label, build, threads, memory, loadMs, ms };
  };

  try {
    await withBrowser(executablePath, [CAMERA, `${ALLOWED}=deny`], async (browser) => {
      const tab = await openTab(browser);
      await tab.page.goto(site.url);
      await check('a camera that is not allowed', () => checkCameraDenied(tab, pictures));
      expectEqual('errors and warnings', tab.consoleErrors, []);
    });
    return await withBrowser(executablePath, [CAMERA, ALLOWED], async (browser) => {
      await check('a network that cannot be loaded', () => checkLoadErrors(browser, plain, pictures));
      await check('a worker that fails', () => checkWorkerErrors(browser, plain, pictures));
      await check('the preview of the input', () => checkPreview(browser, plain, pictures));
      const single = await check('a page that is not isolated', () => openNotIsolated(browser, plain));
      expectEqual('threads where the page is not isolated', single.threads, 1);
      const alone = await single.tab.answered(() => choose(single.tab, pictures.photograph));
      expectEqual('the answer of one thread', alone.predictions, nodeAnswer.predictions);

      const isolated = await openPage(await openTab(browser), plain);
      const { tab } = isolated;
      expectTrue('threads where the page is isolated', isolated.threads > 1);
      await check('the keyboard', () => checkKeyboard(tab, pictures));
      const chosen = await check('files, drag and drop, paste', () => checkInputs(tab, pictures, nodeAnswer));
      const answers = [await answer(single, alone), await answer(isolated, chosen)];
      await check('EXIF', () => checkOrientation(tab, pictures));
      await check('transparency', () => checkTransparency(tab, pictures));
      await check('bad files', () => checkBadFiles(tab, pictures));
      await check('appearance', () => checkAppearance(tab, pictures));
      await check('a newer version', () => checkUpdate(tab, site));
      await check('offline', () => checkOffline(tab, site, pictures, nodeAnswer));
      expectEqual('errors and warnings', [...single.tab.consoleErrors, ...tab.consoleErrors], []);
      return answers;
    });
  } finally {
    await site.stop();
  }
}
