/** The photograph in every format that the Worker accepts: the answer does not depend on the format. */
import assert from 'node:assert/strict';
import sharp, { type Sharp } from 'sharp';
import { loadModel } from '../../../../src/entries/index.js';
import type { Consumer } from '../../consumer.js';
import { chunk, PNG_HEAD, withChunk } from '../../../image/imageFiles.js';
import { zeros } from '../hostile.js';
import { judgePictures, type Reply } from '../requests.js';
import { labelsOf, post } from './ask.js';

/** For each EXIF orientation, the inverse transform of an upright image. */
const TURNS: readonly ((image: Sharp) => Sharp)[] = [
  (image) => image,
  (image) => image.flop(),
  (image) => image.rotate(180),
  (image) => image.flip(),
  (image) => image.rotate(90).flop(),
  (image) => image.rotate(270),
  (image) => image.rotate(270).flop(),
  (image) => image.rotate(90),
];

type Pixels = Consumer['photograph'];

const sharpOf = ({ data, width, height }: Pixels): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

/** The pixels as sharp decodes and rotates them, in a PNG that all decoders read the same way. */
const uprightPng = (image: Buffer): Promise<Buffer> =>
  sharp(image).autoOrient().removeAlpha().toColorspace('srgb').png().toBuffer();

/** Labels of the photograph, computed on this machine. */
async function expectedLabels(photograph: Pixels): Promise<string[]> {
  const model = await loadModel('models/vanillanet-cifar10.safetensors');
  const best = await model.classify(photograph);
  model.dispose();
  return best.map(({ label }) => label);
}

export async function checkPhotographs(url: string, { photograph }: Consumer): Promise<string> {
  const expected = await expectedLabels(photograph);
  const png = await sharpOf(photograph).png().toBuffer();
  assert.deepEqual(await labelsOf(url, png), expected);
  const { text } = await post(url, png);

  // Lossless formats: exactly the same answer.
  const forms: Readonly<Record<string, Sharp>> = {
    'interlaced png': sharpOf(photograph).png({ progressive: true }),
    'png with alpha': sharpOf(photograph).ensureAlpha(0.5).png(),
    webp: sharpOf(photograph).webp({ lossless: true }),
    'webp with alpha': sharpOf(photograph).ensureAlpha(0.5).webp({ lossless: true }),
  };
  for (const [name, form] of Object.entries(forms)) {
    assert.equal((await post(url, await form.toBuffer())).text, text, name);
  }

  const mismatch = await judgePictures(async (bytes) => {
    const answer = await post(url, Buffer.from(bytes));
    return { status: answer.status, body: JSON.parse(answer.text) as Reply['body'] };
  });
  assert.equal(mismatch, null);

  // A color profile is neither applied nor inflated.
  const profile = Buffer.concat([Buffer.from('zeros\0\0', 'latin1'), await zeros(7)]);
  assert.equal((await post(url, withChunk(png, 'iCCP', profile))).text, text, 'png with a profile');

  // Text chunks are ignored, also very many.
  const words = Buffer.concat(Array.from({ length: 250_000 }, () => chunk('tEXt', Buffer.alloc(0))));
  const wordy = Buffer.concat([png.subarray(0, PNG_HEAD), words, png.subarray(PNG_HEAD)]);
  assert.equal((await post(url, wordy)).text, text, 'png with 250,000 empty texts');

  // Formats with fewer colors: the answer of the pixels that sharp reads.
  const few: Readonly<Record<string, Buffer>> = {
    'gray png': await sharpOf(photograph).toColorspace('b-w').png().toBuffer(),
    'gray png with alpha': await sharpOf(photograph).toColorspace('b-w').ensureAlpha(0.5).png().toBuffer(),
    'palette png': await sharpOf(photograph).png({ palette: true, colors: 64 }).toBuffer(),
    'palette png with alpha': await sharpOf(photograph).ensureAlpha(0.5).png({ palette: true, colors: 64 }).toBuffer(),
    // Black is marked as transparent, and stays black.
    'png with a transparent color': withChunk(await sharpOf(photograph).png().toBuffer(), 'tRNS', Buffer.alloc(6)),
    'gray jpeg': await sharpOf(photograph).toColorspace('b-w').jpeg().toBuffer(),
  };
  for (const [name, image] of Object.entries(few)) {
    assert.equal((await post(url, image)).text, (await post(url, await uprightPng(image))).text, name);
  }

  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const answers = new Set<string>();
    for (const [i, turn] of TURNS.entries()) {
      const name = `${format}, orientation ${i + 1}`;
      const options = format === 'webp' ? { lossless: true } : {};
      const stored = await turn(sharpOf(photograph)).toBuffer({ resolveWithObject: true });
      const { width, height } = stored.info;
      const oriented = sharpOf({ data: stored.data, width, height }).withMetadata({ orientation: i + 1 });
      const image = await oriented.toFormat(format, options).toBuffer();
      assert.equal((await labelsOf(url, image))[0], expected[0], name);
      // Exactly the answer of the pixels as rotated by sharp. Without rotation, each orientation has another answer.
      assert.equal((await post(url, image)).text, (await post(url, await uprightPng(image))).text, name);
      answers.add((await post(url, await sharpOf({ data: stored.data, width, height }).png().toBuffer())).text);
    }
    assert.equal(answers.size, TURNS.length, 'the answers without rotation differ');
  }
  return (
    `${expected[0]}: ${Object.keys(forms).length + 1} lossless forms, ${Object.keys(few).length} with fewer colors, ` +
    `JPEG, PNG and WebP in 8 orientations`
  );
}
