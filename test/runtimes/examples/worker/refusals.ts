/** Requests that the Worker refuses: each has its status and one sentence, and the next request succeeds. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { chunk, FILES, PNG_HEAD } from '../../../image/imageFiles.js';
import { damaged, grayOf16Bits, inflating, manyScans, photograph } from '../hostile.js';
import { ask, post, type WorkerAnswer } from './ask.js';
import { unfinished } from './unfinished.js';

/** The limit in the Worker. */
const MAX_BYTES = 4 * 2 ** 20;

/** A JPEG with a changed field in its frame header. */
async function jpegWith(at: number, bytes: readonly number[], marker = 0xc0): Promise<Buffer> {
  const file = Buffer.from(await FILES['jpeg']());
  const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
  file[frame + 1] = marker;
  file.set(bytes, frame + at);
  return file;
}

/** A PNG that declares another size. */
async function pngOf(width: number, height: number): Promise<Buffer> {
  const file = await FILES['png of 8 bits']();
  const head = Buffer.from(file.subarray(16, 29));
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  return Buffer.concat([file.subarray(0, 8), chunk('IHDR', head), file.subarray(PNG_HEAD)]);
}

/** A WebP of the extended form that declares the largest canvas. */
function webpBomb(): Buffer {
  const file = Buffer.alloc(30, 0xff);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(22, 4);
  file.write('WEBPVP8X', 8, 'latin1');
  file.writeUInt32LE(10, 16);
  return file.fill(0, 20, 24);
}

const half = async (name: string): Promise<Buffer> => {
  const file = await FILES[name]();
  return file.subarray(0, file.length - Math.ceil(file.length / 8));
};

async function withByteChanged(name: string, where: string): Promise<Buffer> {
  const file = Buffer.from(await FILES[name]());
  file[file.indexOf(where) + 8] ^= 0xff;
  return file;
}

/** 50,000. */
const SIDE = [0xc3, 0x50];

export const IMAGES: readonly (readonly [status: number, name: string, image: () => Buffer | Promise<Buffer>])[] = [
  [400, 'nothing', () => Buffer.alloc(0)],
  [415, 'text', () => Buffer.from('a photograph of a cat')],
  [415, 'an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  [415, 'a GIF', () => Buffer.from('R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=', 'base64')],
  [422, 'a PNG of 50,000 x 50,000', () => pngOf(50_000, 50_000)],
  [422, 'a PNG of a row more than the limit', () => pngOf(2048, 1025)],
  [422, 'a JPEG of 50,000 x 50,000', () => jpegWith(5, [...SIDE, ...SIDE])],
  [422, 'a WebP of 2^24 x 2^24', webpBomb],
  [422, 'a JPEG in CMYK', () => FILES['jpeg in cmyk']()],
  [422, 'a JPEG of 12 bits', () => jpegWith(4, [12], 0xc1)],
  [422, 'a JPEG of 1,000 scans', () => manyScans(1000)],
  [422, 'a gray PNG of 16 bits', grayOf16Bits],
  [422, 'a PNG whose pixels inflate to 256 MiB', () => inflating(256)],
  [422, 'an animated PNG', () => FILES['animated png']()],
  [422, 'an animated WebP', () => FILES['animated webp']()],
  [400, 'the first bytes of a PNG', () => Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
  [400, 'a truncated PNG', () => half('png of 8 bits')],
  [400, 'a truncated JPEG', () => half('jpeg')],
  [400, 'a truncated progressive JPEG', () => half('progressive jpeg')],
  [400, 'a truncated WebP', () => half('lossy webp')],
  [400, 'a PNG with a damaged chunk', () => withByteChanged('png of 8 bits', 'IDAT')],
  [
    400,
    'a JPEG with damaged pixels',
    async () =>
      damaged(
        await sharp(await photograph())
          .jpeg({ progressive: true })
          .toBuffer(),
      ),
  ],
  [400, 'a PNG with more rows than pixels', () => pngOf(13, 1000)],
  [400, 'a JPEG with more rows than pixels', () => jpegWith(5, [1, 0])],
  [400, 'a lossless JPEG', () => jpegWith(1, [], 0xc3)],
];

/** Checks that an answer has only the status and one sentence, without internal details. */
function judge({ status, text }: WorkerAnswer, expected: number, name: string): void {
  assert.equal(status, expected, `${name}: ${text}`);
  const body = JSON.parse(text) as { error?: { message?: string } };
  const message = body.error?.message ?? '';
  assert.deepEqual(body, { error: { status, message } }, name);
  assert.match(message, /^[\w ,:-]{10,100}$/, name);
  assert.doesNotMatch(text, /wasm|unreachable|memory|index|Error|\.js|\.ts|unwrap|node_modules|safetensors/, name);
}

export async function checkRefusals(url: string): Promise<string> {
  const good = await FILES['png of 8 bits']();
  const answer = await post(url, good);
  assert.equal(answer.status, 200, answer.text);
  const expectSuccess = async (name: string): Promise<void> => {
    assert.equal((await post(url, good)).text, answer.text, `after ${name}`);
  };

  for (const [status, name, image] of IMAGES) {
    judge(await post(url, await image()), status, name);
    await expectSuccess(name);
  }

  const large = { width: 2048, height: 1024, channels: 3, background: '#284' } as const;
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const image = await sharp({ create: large }).toFormat(format).toBuffer();
    assert.equal((await post(url, image)).status, 200, `${format} at the limit of pixels`);
    await expectSuccess(`${format} at the limit of pixels`);
  }
  // Refused by its Content-Length before the body arrives; without a Content-Length, by the bytes that arrive.
  judge(await (await unfinished(url, MAX_BYTES + 1, 1)).answer, 413, 'a body beyond the limit');
  await expectSuccess('a body beyond the limit');
  judge(await (await unfinished(url, 'chunked', MAX_BYTES + 1)).answer, 413, 'an endless body');
  await expectSuccess('an endless body');
  judge(await post(url, Buffer.alloc(MAX_BYTES)), 415, 'a body at the limit');
  // On one connection, which an unread body would close, sometimes only after the next request.
  for (let i = 0; i < 100; i++) {
    judge(await ask(`${url}other`, { method: 'POST', body: 'a' }), 404, 'another path');
    judge(await ask(url, { method: 'PUT', body: 'a' }), 405, 'PUT');
  }
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const refused = await ask(url, { method });
    judge(refused, 405, method);
    assert.equal(refused.headers.get('Allow'), 'GET, HEAD, POST');
  }
  assert.equal((await ask(url)).status, 200);
  assert.equal((await ask(url, { method: 'HEAD' })).text, '');
  return `${IMAGES.length} bad images and 8 bad requests refused, each followed by a good one`;
}
