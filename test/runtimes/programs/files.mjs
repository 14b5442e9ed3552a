/** For Node, Deno and Bun: loads weights from a path or URL. */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import * as vanillanet from 'vanillanet';
import { answerOf } from './answer.mjs';

const { width, height } = JSON.parse(await readFile('photograph.json', 'utf8'));
const [, , source = 'net.safetensors'] = process.argv;
const photograph = { data: new Uint8Array(await readFile('photograph.rgb')), width, height };
const options = [{ build: 'plain' }, { build: 'plain', threads: 2 }, {}];
const answers = [];
for (const each of options) answers.push(await answerOf(vanillanet, source, photograph, each));
console.log(JSON.stringify(answers));
