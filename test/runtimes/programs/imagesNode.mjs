/** Pictures in Node. */
import { readFile } from 'node:fs/promises';
import { logitsOf } from './images.mjs';

const pictures = JSON.parse(await readFile('pictures.json', 'utf8'));
console.log(JSON.stringify((await logitsOf('net.safetensors', pictures)).answers));
