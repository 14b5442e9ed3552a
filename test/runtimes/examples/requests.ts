/** The requests to every example that is a server. */
import sharp from 'sharp';
import { FILES } from '../../image/imageFiles.js';
import { damaged, inflating, manyScans, photograph } from './hostile.js';

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
    { what: 'a PNG of 16 bits', bytes: await FILES['png of 16 bits'](), status: 422 },
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

/** Sends all requests in order. @returns the first wrong answer; null if all are right */
export async function judge(post: Post, label: string): Promise<string | null> {
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
  return judgeOrientation(post);
}

/** For decoders that inflate all data. Sharp stops when its rows are full. */
export async function judgeOverfull(post: Post): Promise<string | null> {
  const { status } = await post(await inflating(256));
  return status === 422 ? null : `a PNG whose pixels inflate to 256 MiB: status ${status}; expected 422`;
}
