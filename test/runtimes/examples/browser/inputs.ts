/** The ways to pass a picture to the page: file chooser, drag and drop, paste. */
import type { JSHandle } from 'playwright-core';
import { expectTrue, expectEqual } from './expect.js';
import type { NodeAnswer } from './inNode.js';
import type { Picture, Pictures } from './pictures.js';
import { shownPredictions, type Answer, type Tab } from './tab.js';

export const choose = ({ page }: Tab, picture: Picture): Promise<void> =>
  page.locator('#chooser').setInputFiles(picture);

/** The DataTransfer of an event, with one file or none. */
const transfer = ({ page }: Tab, picture: Picture | null): Promise<JSHandle<DataTransfer>> =>
  page.evaluateHandle(
    (file) => {
      const data = new DataTransfer();
      if (file === null) return data;
      const bytes = Uint8Array.from(atob(file.base64), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], file.name, { type: file.mimeType }));
      return data;
    },
    picture && { name: picture.name, mimeType: picture.mimeType, base64: picture.buffer.toString('base64') },
  );

export async function drop(tab: Tab, picture: Picture | null): Promise<void> {
  const stage = tab.page.locator('#stage');
  const dataTransfer = await transfer(tab, picture);
  await stage.dispatchEvent('dragover', { dataTransfer });
  expectEqual(
    'the stage is ready for a drop',
    await stage.evaluate((each) => each.classList.contains('awaits')),
    picture !== null,
  );
  await stage.dispatchEvent('drop', { dataTransfer });
}

async function paste(tab: Tab, picture: Picture): Promise<void> {
  const data = await transfer(tab, picture);
  await data.evaluate((clipboardData) => {
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  });
}

async function checkAnswer(tab: Tab, answer: Answer, { predictions }: NodeAnswer): Promise<void> {
  expectEqual('the answer', answer.predictions, predictions);
  const five = predictions.map(({ label, probability }) => ({ label, probability }));
  expectEqual('the predictions on the page', await shownPredictions(tab.page), five);
  expectEqual('the best guess', await tab.page.locator('#best').textContent(), predictions[0].label);
  const announcement = await tab.page.locator('#announcement').textContent();
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const [best, next] = five.map(({ label, probability }) => `${label}, ${percent(probability)}`);
  expectEqual('the announcement', announcement, `${best}; then ${next}`);
}

/** A chosen, dropped and pasted file must have exactly the answer of the package in Node. */
export async function checkInputs(
  tab: Tab,
  { photograph, upright }: Pictures,
  nodeAnswer: NodeAnswer,
): Promise<Answer> {
  const answer = await tab.answered(() => choose(tab, photograph));
  await checkAnswer(tab, answer, nodeAnswer);
  for (const pass of [drop, paste]) {
    // Another picture in between, so that the previous answer cannot pass for the new one.
    await tab.answered(() => choose(tab, upright));
    await checkAnswer(tab, await tab.answered(() => pass(tab, photograph)), nodeAnswer);
  }
  return answer;
}

/** A rotated picture with an EXIF orientation must have the answer of the upright one. */
export async function checkOrientation(tab: Tab, pictures: Pictures): Promise<void> {
  const answers: Answer[] = [];
  for (const picture of [pictures.upright, pictures.turned, pictures.turnedWithoutExif]) {
    answers.push(await tab.answered(() => choose(tab, picture)));
  }
  const [upright, withExif, without] = answers.map(({ predictions }) => JSON.stringify(predictions));
  expectEqual('a picture with an EXIF orientation', withExif, upright);
  expectTrue('the answer without EXIF differs', without !== upright);
}

/** Transparent pixels are treated as white. */
export async function checkTransparency(tab: Tab, pictures: Pictures): Promise<void> {
  const answers: Answer[] = [];
  for (const picture of [pictures.transparent, pictures.onWhite, pictures.opaque]) {
    answers.push(await tab.answered(() => choose(tab, picture)));
  }
  const [transparent, white, without] = answers.map(({ predictions }) => JSON.stringify(predictions));
  expectEqual('a transparent picture', transparent, white);
  expectTrue('the answer without alpha differs', without !== white);
}
