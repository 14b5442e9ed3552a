/** The page, and what its worker told it. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Prediction } from '../../../../src/model/topK.js';

interface Ready {
  readonly type: 'ready';
  readonly build: string;
  readonly threads: number;
  readonly memory: number;
}

export interface Given {
  readonly type: 'answer';
  readonly predictions: readonly Prediction[];
  readonly milliseconds: number;
}

type Message = Ready | Given | { readonly type: 'progress' | 'refused' | 'failed' };

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the console and the page complained of. */
  readonly complaints: string[];
  ready(): Promise<Ready>;
  /** What the worker answers to what is done now; the page then shows it. */
  answered(act: () => Promise<unknown>): Promise<Given>;
  /** The message that the page shows after what is done now. */
  refused(act: () => Promise<unknown>): Promise<string>;
}

/** Runs in the page before its own scripts. */
function listen(): void {
  const said: Message[] = [];
  class HeardWorker extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener('message', ({ data }: MessageEvent<Message>) => said.push(data));
    }
  }
  Object.assign(globalThis, { said, Worker: HeardWorker });
}

const TIMEOUT = 20_000;

export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(TIMEOUT);
  await context.addInitScript(listen);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });

  const heard = async <T extends Message>(type: T['type'], count: number): Promise<T> => {
    const found = await page.waitForFunction(
      ([wanted, n]) => (globalThis as unknown as { said: Message[] }).said.filter((each) => each.type === wanted)[n],
      [type, count] as const,
    );
    return (await found.jsonValue()) as T;
  };
  const answers = (): Promise<number> =>
    page.evaluate(
      () => (globalThis as unknown as { said: Message[] }).said.filter(({ type }) => type === 'answer').length,
    );
  return {
    page,
    context,
    complaints,
    ready: () => heard<Ready>('ready', 0),
    async answered(act) {
      const before = await answers();
      await act();
      return heard<Given>('answer', before);
    },
    async refused(act) {
      await act();
      const error = page.locator('#error:not(:empty)');
      await error.waitFor();
      return (await error.textContent()) ?? '';
    },
  };
}

/** What the page shows of an answer: names, and probabilities to the last bit. */
export const shown = (page: Page): Promise<{ readonly label: string; readonly probability: number }[]> =>
  page.locator('#guesses li').evaluateAll((items) =>
    items.map((item) => ({
      label: item.querySelector('.label')?.textContent ?? '',
      probability: Number(item.querySelector('data')?.value),
    })),
  );
