/** What every example that answers requests is asked. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { ROOT } from '../consumer.js';

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

/** A PNG that says it is so large. */
function bomb(png: Uint8Array, side: number): Uint8Array {
  const bytes = Uint8Array.from(png);
  const view = new DataView(bytes.buffer);
  // Behind the signature and the IHDR's length and name.
  view.setUint32(16, side);
  view.setUint32(20, side);
  return bytes;
}

async function cases(): Promise<readonly Case[]> {
  const png = await readFile(join(ROOT, 'examples/chelsea.png'));
  const jpeg = await sharp(png).jpeg({ quality: 95 }).toBuffer();
  // Lies on its side, and says so.
  const turned = await sharp(png).rotate(270).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
  return [
    { what: 'a PNG', bytes: png, status: 200 },
    { what: 'no bytes', bytes: new Uint8Array(0), status: 400 },
    { what: 'a JPEG', bytes: jpeg, status: 200 },
    { what: 'text', bytes: new TextEncoder().encode('<svg onload="alert(1)"/>'), status: 415 },
    { what: 'a JPEG that lies on its side', bytes: turned, status: 200 },
    { what: 'a PNG of 50,000 x 50,000', bytes: bomb(png, 50_000), status: 422 },
    { what: 'half a PNG', bytes: png.subarray(0, png.length / 2), status: 400 },
    { what: 'the PNG again', bytes: png, status: 200 },
  ];
}

/** Asks all of it, in order. @returns what was not as it should be; null where all was */
export async function judge(post: Post, label: string): Promise<string | null> {
  for (const { what, bytes, status } of await cases()) {
    const reply = await post(bytes);
    const said = `${what}: status ${reply.status}, ${JSON.stringify(reply.body).slice(0, 200)}`;
    if (reply.status !== status) return `${said}; expected ${status}`;
    if (status === 200 && reply.body.labels?.[0]?.label !== label) return `${said}; expected ${label}`;
    if (status !== 200 && typeof reply.body.error !== 'string') return `${said}; expected an error`;
    // Paths and stacks are nobody's business.
    if (/node_modules|file:|\/tmp\/|\.[jt]s:\d/.test(JSON.stringify(reply.body)))
      return `${said}; tells of its insides`;
  }
  return null;
}
