/** Files that are not pictures or are too large have an error message, and the next picture works. */
import { expectTrue, expectEqual } from './expect.js';
import type { Pictures } from './pictures.js';
import { shownPredictions, type Tab } from './tab.js';
import { choose, drop } from './inputs.js';

export async function checkBadFiles(tab: Tab, { photograph, text, empty, drawing, huge }: Pictures): Promise<void> {
  const bad = [
    { act: () => choose(tab, text), start: 'notes.png is not a picture' },
    { act: () => choose(tab, empty), start: 'empty.png is not a picture' },
    { act: () => choose(tab, drawing), start: 'drawing.svg is not a picture' },
    { act: () => choose(tab, huge), start: 'huge.png has 144 million pixels' },
    { act: () => drop(tab, null), start: 'That contained no picture' },
  ];
  for (const { act, start } of bad) {
    const before = await shownPredictions(tab.page);
    const message = await tab.refused(act);
    expectTrue(`"${message}" begins with "${start}"`, message.startsWith(start));
    expectEqual('the last answer, next to its picture', await shownPredictions(tab.page), before);
    await tab.answered(() => choose(tab, photograph));
    expectEqual('the message after the next picture', await tab.page.locator('#error').textContent(), '');
  }
}
