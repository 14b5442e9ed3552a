/** Other pictures than those of pictures.json, drawn and read by the Pillow that is installed. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { comparePicture, type Picture } from './pillow.js';

const python = process.env.VANILLANET_PYTHON;
const SCRIPT = fileURLToPath(new URL('pictures.py', import.meta.url));

const title = python === undefined ? 'pictures of Pillow: VANILLANET_PYTHON is not set' : 'pictures of Pillow';
(python === undefined ? test.skip : test)(title, async () => {
  for (const seed of [2, 3]) {
    const { stdout } = await promisify(execFile)(python ?? '', [SCRIPT, `${seed}`], { maxBuffer: 2 ** 24 });
    const pictures = Object.entries(JSON.parse(stdout) as Record<string, Picture>);
    expect(pictures.length).toBeGreaterThan(100);
    for (const [name, picture] of pictures) await comparePicture(name, picture);
  }
});
