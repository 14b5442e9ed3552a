/** Each way in which a picture comes to the page. */
import type { JSHandle } from 'playwright-core';
import { holds, same } from './expect.js';
import type { Known } from './inNode.js';
import type { Picture, Pictures } from './pictures.js';
import { shown, type Given, type Tab } from './tab.js';

export const choose = ({ page }: Tab, picture: Picture): Promise<void> =>
  page.locator('#chooser').setInputFiles(picture);

/** What an event carries: one file, or none. */
const transfer = ({ page }: Tab, picture: Picture | null): Promise<JSHandle<DataTransfer>> =>
  page.evaluateHandle(
    (given) => {
      const data = new DataTransfer();
      if (given === null) return data;
      const bytes = Uint8Array.from(atob(given.base64), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], given.name, { type: given.mimeType }));
      return data;
    },
    picture && { name: picture.name, mimeType: picture.mimeType, base64: picture.buffer.toString('base64') },
  );

export async function drop(tab: Tab, picture: Picture | null): Promise<void> {
  const stage = tab.page.locator('#stage');
  const dataTransfer = await transfer(tab, picture);
  await stage.dispatchEvent('dragover', { dataTransfer });
  same('the stage awaits', await stage.evaluate((each) => each.classList.contains('awaits')), picture !== null);
  await stage.dispatchEvent('drop', { dataTransfer });
}

async function paste(tab: Tab, picture: Picture): Promise<void> {
  const data = await transfer(tab, picture);
  await data.evaluate((clipboardData) => {
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  });
}

async function isKnown(tab: Tab, given: Given, { predictions }: Known): Promise<void> {
  same('the answer', given.predictions, predictions);
  const five = predictions.map(({ label, probability }) => ({ label, probability }));
  same('what is shown', await shown(tab.page), five);
  same('the best guess', await tab.page.locator('#best').textContent(), predictions[0].label);
  const said = await tab.page.locator('#announcement').textContent();
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const [best, next] = five.map(({ label, probability }) => `${label}, ${percent(probability)}`);
  same('what is announced', said, `${best}; then ${next}`);
}

/** A file chosen, dropped and pasted: the package's answer, to the last bit. */
export async function anyWay(tab: Tab, { photograph, upright }: Pictures, known: Known): Promise<Given> {
  const given = await tab.answered(() => choose(tab, photograph));
  await isKnown(tab, given, known);
  for (const way of [drop, paste]) {
    // Another one between, so that the same answer cannot be the last one's.
    await tab.answered(() => choose(tab, upright));
    await isKnown(tab, await tab.answered(() => way(tab, photograph)), known);
  }
  return given;
}

/** A photograph that lies on its side and says so: the answer is that of the upright one. */
export async function turned(tab: Tab, pictures: Pictures): Promise<void> {
  const answers: Given[] = [];
  for (const picture of [pictures.upright, pictures.turned, pictures.turnedWithoutExif]) {
    answers.push(await tab.answered(() => choose(tab, picture)));
  }
  const [upright, withExif, without] = answers.map(({ predictions }) => JSON.stringify(predictions));
  same('a picture turned by its EXIF', withExif, upright);
  holds('the picture without its EXIF is another', without !== upright);
}

/** What is transparent is white, as on paper. */
export async function transparent(tab: Tab, pictures: Pictures): Promise<void> {
  const answers: Given[] = [];
  for (const picture of [pictures.transparent, pictures.onWhite, pictures.opaque]) {
    answers.push(await tab.answered(() => choose(tab, picture)));
  }
  const [glass, white, without] = answers.map(({ predictions }) => JSON.stringify(predictions));
  same('a transparent picture', glass, white);
  holds('without alpha it is another', without !== white);
}
