import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { affine } from '../../../src/data/augment/affine.js';
import { brightness, contrast, saturation, sharpness } from '../../../src/data/augment/enhance.js';
import { horizontalFlip } from '../../../src/data/augment/horizontalFlip.js';
import { hue } from '../../../src/data/augment/hue.js';
import type { Planes } from '../../../src/data/augment/planes.js';
import { shift } from '../../../src/data/augment/randomCrop.js';
import { rotate } from '../../../src/data/augment/rotation.js';
import { scaleWindow } from '../../../src/data/augment/scale.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from '../../../src/data/augment/tones.js';

interface Stored {
  readonly height: number;
  readonly width: number;
  readonly bytes: string;
}

interface Case {
  readonly op: string;
  readonly image: string;
  readonly arguments: readonly never[];
  readonly size: readonly [number, number];
  readonly bytes: string;
}

/** See generate.py. */
interface Goldens {
  readonly generator: string;
  readonly images: Readonly<Record<string, Stored>>;
  readonly cases: readonly Case[];
}

const read = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const goldens = JSON.parse(read('goldens.json').toString()) as Goldens;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

type Op = (image: Planes, ...args: never[]) => Planes;

const scaled = (
  image: Planes,
  top: number,
  left: number,
  height: number,
  width: number,
  h: number,
  w: number,
  kernel: 'bilinear' | 'bicubic',
): Planes => scaleWindow(image, { top, left, height, width }, [h, w], kernel);

const OPS: Readonly<Record<string, Op>> = {
  ...{ affine, autoContrast, brightness, contrast, equalize, horizontalFlip, hue, invert, posterize, rotate },
  ...{ saturation, scaleWindow: scaled, sharpness, shift, solarize, solarizeAdd },
};

/** The number of values that differ from the golden, and the largest difference. */
function difference({ op, image, arguments: args, size, bytes }: Case): string[] {
  const { height, width, bytes: pixels } = goldens.images[image];
  const source: Planes = { data: bytesOf(pixels), channels: 3, height, width };
  const got = OPS[op](source, ...args);
  const want = bytesOf(bytes);
  const name = `${op}(${JSON.stringify(args)}) of ${image}`;
  if (source.data.some((v, i) => v !== bytesOf(pixels)[i])) return [`${name}: changed its source`];
  if (got.height !== size[0] || got.width !== size[1] || got.data.length !== want.length) return [`${name}: size`];
  const off = Array.from(want, (v, i) => Math.abs(v - got.data[i]));
  const wrong = off.filter((d) => d > 0).length;
  return wrong === 0 ? [] : [`${name}: ${wrong} of ${want.length} values, by up to ${Math.max(...off)}`];
}

test('goldens are those of the generator', () => {
  expect(goldens.generator).toBe(createHash('sha256').update(read('generate.py')).digest('hex'));
});

test.each(Object.keys(OPS))("%s: Pillow's bytes", (op) => {
  const cases = goldens.cases.filter((golden) => golden.op === op);
  expect(cases.length).toBeGreaterThan(3);
  expect(cases.flatMap(difference)).toEqual([]);
});
