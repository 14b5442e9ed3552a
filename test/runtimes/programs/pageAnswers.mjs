/** What a page is asked: weights and pixels are fetched. */
import { answerOf } from './answer.mjs';

export async function answersOf(vanillanet, source = '/net.safetensors') {
  const { width, height } = await (await fetch('/photograph.json')).json();
  const photograph = { data: new Uint8Array(await (await fetch('/photograph.rgb')).arrayBuffer()), width, height };
  const made = [];
  for (const options of [{ build: 'plain' }, { build: 'plain', threads: 'auto' }, {}]) {
    made.push(await answerOf(vanillanet, source, photograph, options));
  }
  return made;
}
