/** An image folder of generated pictures of many proportions, and commands in this process. */
import { jest } from '@jest/globals';
import type { Command } from 'commander';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { evalCommand } from '../../src/cli/eval.js';
import type { RgbImage } from '../../src/image/pixelImage.js';

export const CLASSES = ['ant', 'bee', 'cat', 'dog', 'eel'];

/** Height and width of the picture of each class: smaller and larger than the input, wide, tall and square. */
const SIDES = [
  [40, 30],
  [9, 37],
  [16, 16],
  [61, 20],
  [24, 25],
] as const;

/** Noise around a color ramp, so that a crop has another mean than the whole picture. */
export function pictureOf(index: number): RgbImage {
  const [height, width] = SIDES[index];
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const ramp = (150 * (pixel % width)) / width + (60 * Math.floor(pixel / width)) / height;
    return (ramp + ((i * i * 31 + 7 * i + 77 * index) % 90)) % 256;
  });
  return { data, width, height };
}

/** Writes root/train with two pictures of each class, and root/val with one. */
export async function writePets(root: string): Promise<void> {
  const files = ['train/?/1.png', 'train/?/2.png', 'val/?/1.png'];
  for (const [i, name] of CLASSES.entries()) {
    const { data, width, height } = pictureOf(i);
    for (const file of files.map((pattern) => join(root, pattern.replace('?', name)))) {
      await mkdir(dirname(file), { recursive: true });
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(file);
    }
  }
}

/** Runs a command, and returns what it prints. */
export async function printedBy(command: Command, args: readonly string[]): Promise<string> {
  let text = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  try {
    await command.parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return text;
}

export interface Evaluation {
  readonly loss: number;
  readonly top1: number;
}

/** The output of `eval` with these arguments. */
export const evaluated = async (...args: readonly string[]): Promise<Evaluation> =>
  JSON.parse(await printedBy(evalCommand(), [...args, '--json'])) as Evaluation;
