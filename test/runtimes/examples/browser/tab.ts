/** A tab with the page, which records the messages of its worker. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Prediction } from '../../../../src/model/topK.js';

interface Ready {
  readonly type: 'ready';
  readonly build: string;
  readonly threads: number;
  readonly memory: number;
}

export interface Answer {
  readonly type: 'answer';
  readonly predictions: readonly Prediction[];
  readonly milliseconds: number;
}

type Message = Ready | Answer | { readonly type: 'progress' | 'refused' | 'failed' };

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console, and uncaught errors. */
  readonly consoleErrors: string[];
  ready(): Promise<Ready>;
  /** Runs an action, and waits for the worker's answer to it. */
  answered(act: () => Promise<unknown>): Promise<Answer>;
  /** Runs an action, and waits for the error message that the page shows. */
  refused(act: () => Promise<unknown>): Promise<string>;
}

/** Records messages of workers. Runs in the page before its own scripts. */
function recordMessages(): void {
  const workerMessages: Message[] = [];
  class RecordedWorker extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener('message', ({ data }: MessageEvent<Message>) => workerMessages.push(data));
    }
  }
  Object.assign(globalThis, { workerMessages, Worker: RecordedWorker });
}

const TIMEOUT = 20_000;

export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(TIMEOUT);
  await context.addInitScript(recordMessages);
  const page = await context.newPage();
  const consoleErrors: string[] = [];
  page.on('pageerror', ({ message }) => consoleErrors.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') consoleErrors.push(message.text());
  });

  const waitForMessage = async <T extends Message>(type: T['type'], count: number): Promise<T> => {
    const handle = await page.waitForFunction(
      ([expected, n]) =>
        (globalThis as unknown as { workerMessages: Message[] }).workerMessages.filter(
          (each) => each.type === expected,
        )[n],
      [type, count] as const,
    );
    return (await handle.jsonValue()) as T;
  };
  const countAnswers = (): Promise<number> =>
    page.evaluate(
      () =>
        (globalThis as unknown as { workerMessages: Message[] }).workerMessages.filter(({ type }) => type === 'answer')
          .length,
    );
  return {
    page,
    context,
    consoleErrors,
    ready: () => waitForMessage<Ready>('ready', 0),
    async answered(act) {
      const before = await countAnswers();
      await act();
      return waitForMessage<Answer>('answer', before);
    },
    async refused(act) {
      await act();
      const error = page.locator('#error:not(:empty)');
      await error.waitFor();
      return (await error.textContent()) ?? '';
    },
  };
}

/** The predictions that the page shows: labels, and probabilities in full precision. */
export const shownPredictions = (page: Page): Promise<{ readonly label: string; readonly probability: number }[]> =>
  page.locator('#guesses li').evaluateAll((items) =>
    items.map((item) => ({
      label: item.querySelector('.label')?.textContent ?? '',
      probability: Number(item.querySelector('data')?.value),
    })),
  );
