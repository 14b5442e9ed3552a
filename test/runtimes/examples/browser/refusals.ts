/** Files that are no pictures, or too much of one: said kindly, and the next one works. */
import { holds, same } from './expect.js';
import type { Pictures } from './pictures.js';
import { shown, type Tab } from './tab.js';
import { choose, drop } from './ways.js';

export async function badFiles(tab: Tab, { photograph, text, empty, drawing, huge }: Pictures): Promise<void> {
  const bad = [
    { act: () => choose(tab, text), says: 'notes.png is not a picture' },
    { act: () => choose(tab, empty), says: 'empty.png is not a picture' },
    { act: () => choose(tab, drawing), says: 'drawing.svg is not a picture' },
    { act: () => choose(tab, huge), says: 'huge.png has 144 million pixels' },
    { act: () => drop(tab, null), says: 'That contained no picture' },
  ];
  for (const { act, says } of bad) {
    const before = await shown(tab.page);
    const message = await tab.refused(act);
    holds(`"${message}" begins with "${says}"`, message.startsWith(says));
    same('the last answer, beside its picture', await shown(tab.page), before);
    await tab.answered(() => choose(tab, photograph));
    same('the message after the next picture', await tab.page.locator('#error').textContent(), '');
  }
}
