/** A handler for AWS Lambda. */
import { readFile } from 'node:fs/promises';
import * as vanillanet from 'vanillanet';
import { answerOf } from './answer.mjs';

const { width, height } = JSON.parse(await readFile('photograph.json', 'utf8'));

export async function handler({ body }) {
  const photograph = { data: new Uint8Array(Buffer.from(body, 'base64')), width, height };
  const answers = [];
  for (const options of [{ build: 'plain' }, {}]) {
    answers.push(await answerOf(vanillanet, 'net.safetensors', photograph, options));
  }
  return { statusCode: 200, body: JSON.stringify(answers) };
}
