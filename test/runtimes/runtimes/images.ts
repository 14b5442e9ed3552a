/** Pictures in a page have the logits that they have in Node, whatever their form. */
import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BUNDLERS } from '../bundlers.js';
import { executable, NO_CHROMIUM } from '../chromium.js';
import { ROOT, type Consumer } from '../consumer.js';
import type { Finding } from '../report.js';
import { BUNDLED, tabOf } from './chromium.js';

const run = promisify(execFile);

/** Logits, or the name of an error. */
type Answers = Readonly<Record<string, readonly number[] | string>>;

interface PageAnswers {
  readonly answers: Answers;
  readonly forms: Answers;
  readonly invalid: Answers;
  readonly list: number;
}

/** A picture without alpha, in color, that a canvas can hold. */
const PICTURE = 'png, rgb, 8 bits';

/**
 * Decoders of JPEG and lossy WebP differ by a few levels, and in colors beyond a palette; frames of a video are converted to
 * YUV.
 */
const isExact = (name: string): boolean => !/jpeg|lossy|video|palette that is too short/i.test(name);
const TOLERANCE = 0.5;

function difference(a: readonly number[] | string, b: readonly number[] | string): number {
  if (typeof a === 'string' || typeof b === 'string') return a === b ? 0 : Infinity;
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
}

/** Names whose answers differ by more than they may. */
const mismatches = (actual: Answers, expected: (name: string) => readonly number[] | string): string[] =>
  Object.entries(actual)
    .map(([name, answer]) => [name, difference(answer, expected(name))] as const)
    .filter(([name, by]) => !(by <= (isExact(name) ? 0 : TOLERANCE)))
    .map(([name, by]) => `${name} by ${by}`);

export async function imagesPage(consumer: Consumer): Promise<Finding> {
  const { folder } = consumer;
  if (executable() === null) return { skipped: NO_CHROMIUM };
  await copyFile(join(ROOT, 'test/data/decode/pictures.json'), join(folder, 'pictures.json'));
  await run('npm', ['install', '--no-audit', '--no-fund', 'sharp'], { cwd: folder });
  const { stdout } = await run(process.execPath, ['imagesNode.mjs'], { cwd: folder, maxBuffer: 2 ** 26 });
  const expected = JSON.parse(stdout) as Answers;
  const pictures = JSON.parse(await readFile(join(folder, 'pictures.json'), 'utf8')) as Readonly<
    Record<string, { readonly file: string }>
  >;
  await writeFile(join(folder, 'picture.png'), Buffer.from(pictures[PICTURE].file, 'base64'));
  const out = join(folder, 'page-images');
  await BUNDLERS.esbuild(join(folder, 'imagesPage.mjs'), out);
  const site = { html: BUNDLED, roots: [out, folder], isolated: false };
  const { answer } = await tabOf(consumer, site, (tab) =>
    tab.evaluate(
      (name) => (globalThis as unknown as { answers: (name: string) => Promise<PageAnswers> }).answers(name),
      PICTURE,
    ),
  );
  const wrong = [
    ...mismatches(answer.answers, (name) => expected[name]),
    ...mismatches(answer.forms, () => expected[PICTURE]),
    ...mismatches(answer.invalid, () => 'DataError'),
  ];
  if (wrong.length > 0 || answer.list !== 2) return `differ from Node: ${wrong.join('; ')}`;
  const inexact = Object.entries(answer.answers).filter(([name]) => !isExact(name));
  const largest = Math.max(...inexact.map(([name, logits]) => difference(logits, expected[name])));
  return [
    `${Object.keys(answer.answers).length} pictures; of ${inexact.length}, logits differ by at most ${largest}`,
    `forms: ${Object.keys(answer.forms).join(', ')}`,
    `refused: ${Object.keys(answer.invalid).join(', ')}`,
  ];
}
