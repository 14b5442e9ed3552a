import { isInteger, isRecord, show, tagOf } from '../core/check.js';
import { DETACHED, DETACHED_HINT, isDetached } from '../core/detached.js';
import { DataError, ShapeError } from '../core/errors.js';
import type { PixelImage } from './pixelImage.js';

/** Decoded pixels as sharp returns them: `sharp(file).raw().toBuffer({ resolveWithObject: true })`. */
export interface RawImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}

/** What a page draws: an image element, a canvas, a video's current frame, an `ImageBitmap` or a `VideoFrame`. */
export type DrawableImage =
  | { readonly naturalWidth: number; readonly naturalHeight: number }
  | { readonly videoWidth: number; readonly videoHeight: number }
  | { readonly displayWidth: number; readonly displayHeight: number }
  | { readonly width: number; readonly height: number; close(): void }
  | { readonly width: number; readonly height: number; getContext(...settings: never[]): unknown };

/**
 * An image in one of the forms in which programs have images: decoded pixels (`PixelImage`, `ImageData`, sharp's raw output);
 * the bytes of a PNG, JPEG or WebP file, or a `Blob`, `File` or `Response` of them; the path or URL of such a file; or what a
 * page draws.
 */
export type ImageInput =
  | PixelImage
  | RawImage
  | Uint8Array
  | ArrayBuffer
  | { arrayBuffer(): Promise<ArrayBuffer> }
  | string
  | { readonly href: string }
  | DrawableImage;

/** An `ImageInput` by how it is read. */
export type ImageSource =
  | { readonly kind: 'pixels'; readonly image: PixelImage }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: { arrayBuffer(): Promise<ArrayBuffer> } }
  | { readonly kind: 'location'; readonly location: string }
  | { readonly kind: 'drawable'; readonly drawable: object };

/** The classes of `DrawableImage`, by their tags, which are the same in every realm. */
const DRAWABLE = [
  'HTMLImageElement',
  'HTMLCanvasElement',
  'HTMLVideoElement',
  'SVGImageElement',
  'ImageBitmap',
  'OffscreenCanvas',
  'VideoFrame',
];

const EXPECTED = 'an image: pixels, the bytes of a file, a Blob, a path or URL, or an element that shows one';

/** The properties that hold the sizes of drawables in pixels: those of SVG elements are objects. */
const SIDES = [
  ['naturalWidth', 'naturalHeight'],
  ['videoWidth', 'videoHeight'],
  ['displayWidth', 'displayHeight'],
  ['width', 'height'],
];

/** What to do about drawables without pixels, by their tags; the others are images that have not loaded. */
const WITHOUT_PIXELS: Readonly<Record<string, string>> = {
  ImageBitmap: 'It was closed or transferred: pass a bitmap that is open, and close it after the call.',
  VideoFrame: 'It was closed: pass a frame that is open, and close it after the call.',
  HTMLCanvasElement: 'Set its width and height, and draw on it, before the call.',
  OffscreenCanvas: 'Set its width and height, and draw on it, before the call; one that was transferred has no pixels.',
  HTMLVideoElement: "Wait until it has a frame: its event 'loadeddata'.",
};
const NOT_LOADED = 'Wait until the image is loaded: await image.decode().';

function refuse(op: string, got: string, hint?: string): never {
  throw new DataError({ op, expected: EXPECTED, got, hint });
}

const BYTES = ['Uint8Array', 'Uint8ClampedArray'];

/** Copies the channels of gray pixels, with or without alpha, to RGB or RGBA. */
function expandGray({ data, info: { width, height, channels } }: RawImage): PixelImage {
  const area = width * height;
  const rgb = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) rgb.fill(data[channels * i], 3 * i, 3 * i + 3);
  return { data: rgb, width, height };
}

/** @throws ShapeError unless the data have the size that sharp's info says */
function fromRaw(op: string, raw: RawImage): PixelImage {
  const { data, info } = raw;
  const { width, height, channels } = info;
  const areBytes = BYTES.includes(tagOf(data));
  if (areBytes && isInteger(channels, { min: 1, max: 4 }) && data.length === width * height * channels) {
    return channels < 3 ? expandGray(raw) : { data, width, height };
  }
  throw new ShapeError({
    op,
    expected: `data of ${show(width)} x ${show(height)} pixels with 1 to 4 channels of a byte`,
    got: `${areBytes ? `${data.length} bytes` : show(data)} and ${show(channels)} channels`,
    hint: "Call .raw() of sharp without a depth other than 'uchar'.",
  });
}

const VALUES = 'Pass pixels as { data, width, height }, and normalized values as a Float32Array.';
const SRGB = "Convert them: context.getImageData(0, 0, width, height, { colorSpace: 'srgb' }).";
const VIEW = 'Pass new Uint8Array(view.buffer, view.byteOffset, view.byteLength).';

/** What programs hold that leads to an image, by a method that it has, and how to get the image. */
const HINTS: readonly (readonly [method: string, name: string, hint: string])[] = [
  ['then', 'a Promise', 'Await it first.'],
  [
    'toBuffer',
    'an object of sharp',
    'Pass await image.raw().toBuffer({ resolveWithObject: true }), or the file itself.',
  ],
  ['getFile', 'a handle of a file', 'Pass await handle.getFile().'],
  ['getReader', 'a stream', 'Pass new Response(stream).'],
  ['pipe', 'a stream', "Pass its bytes: await buffer(stream), a function of Node's stream/consumers."],
  ['getImageData', 'the context of a canvas', 'Pass its canvas, or the result of getImageData.'],
  ['getBuffer', 'an image of Jimp', 'Pass image.bitmap.'],
  ['dataSync', 'a tensor', VALUES],
];

/** @throws DataError, ShapeError */
export function imageSource(op: string, input: unknown): ImageSource {
  if (typeof input === 'string') return { kind: 'location', location: input };
  if (typeof input === 'number' || Array.isArray(input)) refuse(op, show(input), VALUES);
  if (typeof input !== 'object' || input === null) refuse(op, show(input));
  const tag = tagOf(input);
  if (tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer') {
    if (isDetached(input as ArrayBuffer)) refuse(op, DETACHED, DETACHED_HINT);
    return { kind: 'bytes', bytes: new Uint8Array(input as ArrayBuffer) };
  }
  if (ArrayBuffer.isView(input)) {
    if (isDetached(input)) refuse(op, DETACHED, DETACHED_HINT);
    if (BYTES.includes(tag)) return { kind: 'bytes', bytes: input as Uint8Array };
    refuse(op, tag, tag === 'DataView' ? VIEW : VALUES);
  }
  const properties = input as Readonly<Record<string | symbol, unknown>>;
  if (DRAWABLE.includes(tag)) {
    const [width, height] = (SIDES.find(([side]) => side in input) ?? []).map((side) => properties[side]);
    if (width === 0 || height === 0) {
      const article = tag.startsWith('V') ? 'a' : 'an';
      refuse(
        op,
        `${article} ${tag} of ${width as number} x ${height as number} pixels`,
        WITHOUT_PIXELS[tag] ?? NOT_LOADED,
      );
    }
    return { kind: 'drawable', drawable: input };
  }
  const { data, info, href, arrayBuffer, colorSpace } = properties;
  const match = HINTS.find(([method]) => typeof properties[method] === 'function');
  if (match !== undefined) refuse(op, match[1], match[2]);
  if (data !== undefined) {
    // Of ImageData; its values would mean other colors.
    if (colorSpace === 'display-p3') refuse(op, "pixels of the color space 'display-p3'", SRGB);
    if (ArrayBuffer.isView(data) && isDetached(data)) refuse(op, DETACHED, DETACHED_HINT);
    const image = input as PixelImage & RawImage;
    return { kind: 'pixels', image: isRecord(info) ? fromRaw(op, image) : image };
  }
  if (typeof href === 'string') return { kind: 'location', location: href };
  if (typeof arrayBuffer === 'function')
    return { kind: 'blob', blob: input as { arrayBuffer(): Promise<ArrayBuffer> } };
  if (typeof properties[Symbol.iterator] === 'function') {
    refuse(
      op,
      tag === 'Object' ? 'an iterable object' : `a ${tag}`,
      `Pass an array: [...images${tag === 'Map' ? '.values()' : ''}].`,
    );
  }
  return refuse(op, tag === 'Object' ? show(input) : tag);
}
