/** The requests to every example that is a server. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { FILES } from '../../image/imageFiles.js';
import { ROOT } from '../consumer.js';
import { damaged, grayOf16Bits, inflating, manyScans, photograph } from './hostile.js';

export interface Reply {
  readonly status: number;
  readonly body: { readonly labels?: readonly { readonly label: string }[]; readonly error?: string };
}

export type Post = (bytes: Uint8Array) => Promise<Reply>;

interface Case {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly status: number;
}

/** A PNG whose header declares another size. */
function bomb(png: Uint8Array, side: number): Uint8Array {
  const bytes = Uint8Array.from(png);
  const view = new DataView(bytes.buffer);
  // After the signature, and the length and name of IHDR.
  view.setUint32(16, side);
  view.setUint32(20, side);
  return bytes;
}

const pixelsOf = (image: Buffer): Promise<Buffer> => sharp(image).removeAlpha().png().toBuffer();

async function cases(): Promise<readonly Case[]> {
  const png = await photograph();
  const jpeg = await sharp(png).jpeg({ quality: 95 }).toBuffer();
  // Decoders detect damage in a progressive JPEG.
  const progressive = await sharp(png).jpeg({ progressive: true }).toBuffer();
  return [
    { what: 'a PNG', bytes: png, status: 200 },
    { what: 'no bytes', bytes: new Uint8Array(0), status: 400 },
    { what: 'a JPEG', bytes: jpeg, status: 200 },
    { what: 'text', bytes: new TextEncoder().encode('<svg onload="alert(1)"/>'), status: 415 },
    { what: 'a PNG of 50,000 x 50,000', bytes: bomb(png, 50_000), status: 422 },
    { what: 'a JPEG of 1,000 scans', bytes: await manyScans(1000), status: 422 },
    { what: 'a gray PNG of 16 bits', bytes: await grayOf16Bits(), status: 422 },
    { what: 'an animated PNG', bytes: await FILES['animated png'](), status: 422 },
    { what: 'a JPEG in CMYK', bytes: await FILES['jpeg in cmyk'](), status: 422 },
    { what: 'the first bytes of a PNG', bytes: png.subarray(0, 20), status: 400 },
    { what: 'the first bytes of a JPEG', bytes: jpeg.subarray(0, 20), status: 400 },
    { what: 'half a PNG', bytes: png.subarray(0, png.length / 2), status: 400 },
    { what: 'half a JPEG', bytes: jpeg.subarray(0, jpeg.length / 2), status: 400 },
    { what: 'a damaged PNG', bytes: damaged(png), status: 400 },
    { what: 'a damaged JPEG', bytes: damaged(progressive), status: 400 },
    { what: 'the PNG again', bytes: png, status: 200 },
    { what: 'the JPEG again', bytes: jpeg, status: 200 },
  ];
}

/** A JPEG with an EXIF orientation must have the answer of its pixels as rotated by sharp. */
async function judgeOrientation(post: Post): Promise<string | null> {
  const png = await photograph();
  const rotated = await sharp(png).rotate(270).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
  const upright = await sharp(rotated).autoOrient().png().toBuffer();
  const answers: string[] = [];
  for (const image of [rotated, await pixelsOf(upright), await pixelsOf(rotated)]) {
    answers.push(JSON.stringify((await post(image)).body));
  }
  const [withOrientation, expected, unrotated] = answers;
  if (withOrientation !== expected) return `a JPEG with an orientation: ${withOrientation}; expected ${expected}`;
  return unrotated === expected ? `rotated pixels have the same answer as upright ones: ${unrotated}` : null;
}

interface Picture {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: string;
}

/** What an example does not read. */
export interface Omissions {
  /** The example has no decoder of WebP. */
  readonly webp?: true;
}

/** Pictures of every kind have the answer of the pixels that Pillow reads from them, or are refused everywhere. */
export async function judgePictures(post: Post, omissions: Omissions = {}): Promise<string | null> {
  const text = await readFile(join(ROOT, 'test/data/decode/pictures.json'), 'utf8');
  for (const [name, picture] of Object.entries(JSON.parse(text) as Record<string, Picture>)) {
    const { width, height } = picture;
    const reply = await post(Buffer.from(picture.file, 'base64'));
    const isOmitted = omissions.webp === true && name.startsWith('webp');
    if (isOmitted || /cmyk|ycck|animated|gray.*16 bits/.test(name)) {
      const expected = isOmitted ? 415 : 422;
      if (reply.status !== expected) return `${name}: status ${reply.status}; expected ${expected}`;
      continue;
    }
    const raw = sharp(Buffer.from(picture.pixels, 'base64'), { raw: { width, height, channels: 3 } });
    const expected = JSON.stringify((await post(await raw.png().toBuffer())).body);
    const answer = JSON.stringify(reply.body);
    if (reply.status !== 200 || answer !== expected) return `${name}: ${reply.status} ${answer}; expected ${expected}`;
  }
  return null;
}

/** Sends all requests in order. @returns the first wrong answer; null if all are right */
export async function judge(post: Post, label: string, omissions?: Omissions): Promise<string | null> {
  for (const { what, bytes, status } of await cases()) {
    const reply = await post(bytes);
    const answer = `${what}: status ${reply.status}, ${JSON.stringify(reply.body).slice(0, 200)}`;
    if (reply.status !== status) return `${answer}; expected ${status}`;
    if (status === 200 && reply.body.labels?.[0]?.label !== label) return `${answer}; expected ${label}`;
    if (status !== 200 && typeof reply.body.error !== 'string') return `${answer}; expected an error`;
    // Errors must not contain paths or stacks.
    if (/node_modules|file:|\/tmp\/|\.[jt]s:\d/.test(JSON.stringify(reply.body)))
      return `${answer}; it exposes internal paths`;
  }
  return (await judgeOrientation(post)) ?? judgePictures(post, omissions);
}

/** For decoders that inflate all data. Sharp stops when its rows are full. */
export async function judgeOverfull(post: Post): Promise<string | null> {
  const { status } = await post(await inflating(256));
  return status === 422 ? null : `a PNG whose pixels inflate to 256 MiB: status ${status}; expected 422`;
}
