/** Decoding and reading of images in browsers. Edge runtimes have none of it. */
import { imageInfo } from '../image/imageInfo.js';
import { startsWith } from '../image/imageFormat.js';
import { orient } from '../image/orient.js';
import type { DecodedImage, Runtime } from './runtime.js';

interface Bitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}

interface Context2D {
  drawImage(bitmap: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): DecodedImage;
}

/** The parts of WebGL that are used. */
interface WebGL {
  readonly TEXTURE_2D: number;
  readonly RGBA: number;
  readonly UNSIGNED_BYTE: number;
  readonly FRAMEBUFFER: number;
  readonly COLOR_ATTACHMENT0: number;
  readonly FRAMEBUFFER_COMPLETE: number;
  createTexture(): object;
  bindTexture(target: number, texture: object): void;
  texImage2D(target: number, level: number, internal: number, format: number, type: number, source: Bitmap): void;
  createFramebuffer(): object;
  bindFramebuffer(target: number, framebuffer: object): void;
  framebufferTexture2D(target: number, attachment: number, of: number, texture: object, level: number): void;
  checkFramebufferStatus(target: number): number;
  readPixels(x: number, y: number, w: number, h: number, format: number, type: number, pixels: Uint8Array): void;
  getError(): number;
  getExtension(name: 'WEBGL_lose_context'): { loseContext(): void } | null;
}

interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d', settings: object): Context2D | null;
  getContext(kind: 'webgl', settings: object): WebGL | null;
}

/** The globals of browsers that are used here: see web.ts. */
interface Web {
  readonly Blob: new (parts: readonly Uint8Array[], options: { type: string }) => object;
  readonly createImageBitmap?: (source: object, options: object) => Promise<Bitmap>;
  readonly OffscreenCanvas?: new (width: number, height: number) => Canvas;
  readonly document?: { createElement(name: 'canvas'): Canvas };
}

const web = globalThis as unknown as Web;

/** Nothing that depends on the screen or the browser: upright, and the values in the file. */
const AS_STORED = { imageOrientation: 'from-image', colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

function createCanvas(width: number, height: number): Canvas {
  if (web.OffscreenCanvas !== undefined) return new web.OffscreenCanvas(width, height);
  if (web.document === undefined) throw new Error('neither OffscreenCanvas nor a document');
  return Object.assign(web.document.createElement('canvas'), { width, height });
}

/** A canvas stores colors multiplied by alpha, which loses digits of those that are not opaque. */
function drawnPixels(bitmap: Bitmap): DecodedImage {
  const { width, height } = bitmap;
  const context = createCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('no canvas of that size');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return { data, width, height };
}

/** The values of a bitmap as they are, from a texture; null without WebGL, or if the image is larger than a texture. */
function texturePixels(bitmap: Bitmap): DecodedImage | null {
  const { width, height } = bitmap;
  const gl = createCanvas(1, 1).getContext('webgl', { antialias: false });
  if (gl === null) return null;
  try {
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) return null;
    const data = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
    return gl.getError() === 0 ? { data, width, height } : null;
  } finally {
    gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

function isOpaque({ data }: DecodedImage): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

async function pixelsOf(source: object): Promise<DecodedImage> {
  const bitmap = await web.createImageBitmap?.(source, AS_STORED);
  if (bitmap === undefined) throw new Error('no createImageBitmap');
  try {
    const drawn = drawnPixels(bitmap);
    return isOpaque(drawn) ? drawn : (texturePixels(bitmap) ?? drawn);
  } finally {
    bitmap.close();
  }
}

const hasImages = (): boolean =>
  web.createImageBitmap !== undefined && (web.OffscreenCanvas !== undefined || web.document !== undefined);

/** A copy of a WebP without its EXIF chunk, which gets a name that decoders pass over. */
function withoutExif(webp: Uint8Array): Uint8Array {
  const copy = webp.slice();
  const view = new DataView(copy.buffer);
  for (let at = 12; at + 8 <= copy.length;) {
    if (startsWith(copy, at, 'EXIF')) copy.set([0x6e, 0x6f, 0x6e, 0x65], at);
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
  return copy;
}

async function decode(bytes: Uint8Array, format: string, name: string): Promise<DecodedImage> {
  const read = (file: Uint8Array): Promise<DecodedImage> => pixelsOf(new web.Blob([file], { type: `image/${format}` }));
  if (format !== 'webp') return read(bytes);
  // Not every browser turns a WebP upright, and none can be told not to.
  const { orientation } = imageInfo(bytes, name);
  return orient(await read(withoutExif(bytes)), orientation);
}

export const decodeImage: Runtime['decodeImage'] = hasImages() ? decode : null;

export const readPixels: Runtime['readPixels'] = hasImages() ? pixelsOf : null;
