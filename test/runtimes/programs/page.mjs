/** A page: weights and pixels are fetched. */
import * as vanillanet from 'vanillanet';
import { answerOf } from './answer.mjs';

async function answers() {
  const { width, height } = await (await fetch('/photograph.json')).json();
  const photograph = { data: new Uint8Array(await (await fetch('/photograph.rgb')).arrayBuffer()), width, height };
  const made = [];
  for (const options of [{ build: 'plain' }, { build: 'plain', threads: 'auto' }, {}]) {
    made.push(await answerOf(vanillanet, '/net.safetensors', photograph, options));
  }
  return made;
}

globalThis.answers = answers;
