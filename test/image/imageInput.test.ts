/** Images in every form are recognized; what is none is refused with the way to one. */
import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { DataError, ShapeError } from '../../src/core/errors.js';
import { imageSource } from '../../src/image/imageInput.js';
import { channelsOf, checkPixels, checkSize } from '../../src/image/pixelImage.js';

const EXPECTED = 'an image: pixels, the bytes of a file, a Blob, a path or URL, or an element that shows one';
const VALUES = 'Pass pixels as { data, width, height }, and normalized values as a Float32Array.';

const tagged = (tag: string): object => ({ [Symbol.toStringTag]: tag });

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return 'nothing';
}

test.each(['', 'a/picture.png', 'https://example.org/x.png'])('the location %j', (location) => {
  expect(imageSource('classify', location)).toEqual({ kind: 'location', location });
});

test('a URL, also another object with an href', () => {
  const location = 'https://example.org/x.png';
  expect(imageSource('classify', new URL(location))).toEqual({ kind: 'location', location });
  expect(imageSource('classify', { href: '' })).toEqual({ kind: 'location', location: '' });
});

test.each([
  ['a Uint8Array', new Uint8Array([1, 2])],
  ['a Uint8ClampedArray', new Uint8ClampedArray([1, 2])],
  ['a Buffer', Buffer.from([1, 2])],
  ['a Uint8Array of another realm', runInNewContext('new Uint8Array([1, 2])')],
  ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
  ['a SharedArrayBuffer', Object.assign(new SharedArrayBuffer(2))],
])('the bytes of a file in %s', (_, input: unknown) => {
  const source = imageSource('classify', input);
  if (source.kind !== 'bytes') throw new Error(source.kind);
  expect(source.bytes).toHaveLength(2);
});

test.each([
  ...['HTMLImageElement', 'HTMLCanvasElement', 'HTMLVideoElement', 'SVGImageElement', 'ImageBitmap'],
  ...['OffscreenCanvas', 'VideoFrame'],
])('%s is drawn', (tag) => {
  const drawable = tagged(tag);
  expect(imageSource('classify', drawable)).toEqual({ kind: 'drawable', drawable });
});

test('what has arrayBuffer() is read as a Blob', () => {
  const blob = new Blob([]);
  expect(imageSource('classify', blob)).toEqual({ kind: 'blob', blob });
});

describe('decoded pixels', () => {
  test('with width and height are passed on', () => {
    const image = { data: new Uint8Array(3), width: 1, height: 1 };
    expect(imageSource('classify', image)).toEqual({ kind: 'pixels', image });
    // `fit` checks them.
    expect(imageSource('classify', { data: null, info: 'x' }).kind).toBe('pixels');
  });

  test.each([
    [1, [7, 8], [7, 7, 7, 8, 8, 8]],
    [2, [7, 255, 8, 0], [7, 7, 7, 8, 8, 8]],
    [3, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]],
    [4, [1, 2, 3, 0, 4, 5, 6, 0], [1, 2, 3, 0, 4, 5, 6, 0]],
  ])("of sharp's output with %d channels", (channels, values, expected) => {
    for (const data of [Uint8Array.from(values), Uint8ClampedArray.from(values)]) {
      const source = imageSource('classify', { data, info: { width: 2, height: 1, channels } });
      if (source.kind !== 'pixels') throw new Error(source.kind);
      expect({ ...source.image, data: [...source.image.data] }).toEqual({ data: expected, width: 2, height: 1 });
    }
  });

  const raw = (data: unknown, channels: unknown, width = 2): unknown => ({
    data,
    info: { width, height: 3, channels },
  });
  test.each([
    ['float', raw(new Uint8Array(72), 3), '72 bytes and 3 channels'],
    ['ushort', raw(new Uint8Array(12), 1), '12 bytes and 1 channels'],
    ['Uint16Array', raw(new Uint16Array(6), 1), 'Uint16Array and 1 channels'],
    ['Float32Array', raw(new Float32Array(18), 3), 'Float32Array and 3 channels'],
    ['other channels', raw(new Uint8Array(18), 4), '18 bytes and 4 channels'],
    ['five channels', raw(new Uint8Array(30), 5), '30 bytes and 5 channels'],
    ['no channels', raw(new Uint8Array(0), 0), '0 bytes and 0 channels'],
    ['channels that are no number', raw(new Uint8Array(18), '3'), '18 bytes and "3" channels'],
    ['no data', raw(null, 3), 'null and 3 channels'],
    ['another width', raw(new Uint8Array(18), 3, 3), '18 bytes and 3 channels'],
  ])("of sharp's output are refused for %s", (_, input, got) => {
    const error = thrown(() => imageSource('classify', input));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error).toMatchObject({
      op: 'classify',
      expected: expect.stringMatching(/^data of [23] x 3 pixels with 1 to 4 channels of a byte$/),
      got,
      hint: "Call .raw() of sharp without a depth other than 'uchar'.",
    });
  });

  test.each([
    [{ depth: 'float' }, `${4 * 3 * 35} bytes and 3 channels`],
    [{ depth: 'ushort' }, `${2 * 3 * 35} bytes and 3 channels`],
  ] as const)("of sharp's raw(%j)", async (options, got) => {
    const pixels = sharp(new Uint8Array(105), { raw: { width: 5, height: 7, channels: 3 } });
    const output = await pixels.raw(options).toBuffer({ resolveWithObject: true });
    expect(thrown(() => imageSource('classify', output))).toMatchObject({ name: 'ShapeError', got });
  });
});

const REFUSED: [string, unknown, string, string?][] = [
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a number', 5, '5', VALUES],
  ['a function', () => 1, 'a function'],
  ['an object', { a: 1 }, '{"a":1}'],
  ['an object of a class', new Date(), 'Date'],
  ['a list', [1], '[1]', VALUES],
  ['a fake Blob', { arrayBuffer: 1 }, '{"arrayBuffer":1}'],
  ['a fake URL', { href: 1 }, '{"href":1}'],
  ['values of 16 bits', new Uint16Array(2), 'Uint16Array', VALUES],
  [
    'a DataView',
    new DataView(new ArrayBuffer(2)),
    'DataView',
    'Pass new Uint8Array(view.buffer, view.byteOffset, view.byteLength).',
  ],
  ['a Promise', Promise.resolve('a.png'), 'a Promise', 'Await it first.'],
  [
    'an object of sharp',
    sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } }),
    'an object of sharp',
    'Pass await image.raw().toBuffer({ resolveWithObject: true }), or the file itself.',
  ],
  ['a handle', { getFile: () => 1 }, 'a handle of a file', 'Pass await handle.getFile().'],
  ['a web stream', new ReadableStream(), 'a stream', 'Pass new Response(stream).'],
  [
    'a stream of Node',
    Readable.from([]),
    'a stream',
    "Pass its bytes: await buffer(stream), a function of Node's stream/consumers.",
  ],
  [
    'a context',
    { ...tagged('CanvasRenderingContext2D'), getImageData: () => 1 },
    'the context of a canvas',
    'Pass its canvas, or the result of getImageData.',
  ],
  ['an image of Jimp', { getBuffer: () => 1 }, 'an image of Jimp', 'Pass image.bitmap.'],
  ['a tensor', { data: () => 1, dataSync: () => 1 }, 'a tensor', VALUES],
];

test.each(REFUSED.map(([name, input, got, hint]) => [name, { input, got, hint }] as const))(
  '%s is refused',
  (_, each) => {
    const { input, got, hint } = each;
    const error = thrown(() => imageSource('classify', input));
    expect(error).toBeInstanceOf(DataError);
    const { op, expected, got: actual, hint: remedy } = error as DataError;
    expect({ op, expected, got: actual, hint: remedy }).toEqual({ op: 'classify', expected: EXPECTED, got, hint });
  },
);

test('pixels of floats have a hint', () => {
  const image = { data: new Float32Array(3) as unknown as Uint8Array, width: 1, height: 1 };
  expect(thrown(() => channelsOf('fit', image))).toMatchObject({
    expected: 'pixels in a Uint8Array or Uint8ClampedArray',
    got: 'Float32Array',
    hint: 'Multiply values in [0, 1] by 255, and round them.',
  });
  const other = { ...image, data: new Uint16Array(3) as unknown as Uint8Array };
  expect((thrown(() => channelsOf('fit', other)) as DataError).hint).toBeUndefined();
});

test('a result has at most 2^26 pixels', () => {
  checkPixels('resize', 2 ** 13, 2 ** 13);
  expect(
    thrown(() => {
      checkPixels('resize', 2 ** 13, 2 ** 13 + 1);
    }),
  ).toMatchObject({
    name: 'ParamError',
    op: 'resize',
    expected: `at most ${2 ** 26} pixels`,
    got: '8192 x 8193',
  });
});

test('a size is a list of two integers >= 1', () => {
  checkSize([1, 1]);
  for (const size of [[1], [1, 1, 1], [0, 1], [1, 1.5], '11', null]) {
    expect(
      thrown(() => {
        checkSize(size as never);
      }),
    ).toMatchObject({
      op: 'size',
      expected: '[height, width], integers >= 1',
    });
  }
});

test.each([
  ['a Uint8Array', (bytes: Uint8Array) => bytes],
  ['an ArrayBuffer', (bytes: Uint8Array) => bytes.buffer],
  ['a Float32Array', (bytes: Uint8Array) => new Float32Array(bytes.buffer)],
  ['pixels', (data: Uint8Array) => ({ data, width: 2, height: 1 })],
])('the memory of %s that was transferred', (_, viewOf) => {
  const bytes = new Uint8Array(8);
  const input = viewOf(bytes);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  expect(thrown(() => imageSource('classify', input))).toMatchObject({
    ...{ name: 'DataError', op: 'classify', got: 'a detached buffer', hint: expect.stringContaining('pass a copy') },
  });
});

test('pixels of another color space than sRGB', () => {
  const image = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
  for (const colorSpace of ['srgb', undefined]) {
    expect(imageSource('classify', { ...image, colorSpace })).toMatchObject({ kind: 'pixels' });
  }
  const wide = { ...image, colorSpace: 'display-p3' };
  expect(thrown(() => imageSource('classify', wide))).toMatchObject({
    ...{ name: 'DataError', got: "pixels of the color space 'display-p3'" },
    hint: "Convert them: context.getImageData(0, 0, width, height, { colorSpace: 'srgb' }).",
  });
});

const CANVAS = 'Set its width and height, and draw on it, before the call';
const WITHOUT_PIXELS: [string, object, string, string][] = [
  [
    'ImageBitmap',
    { width: 0, height: 0 },
    'an ImageBitmap of 0 x 0 pixels',
    'It was closed or transferred: pass a bitmap that is open, and close it after the call.',
  ],
  [
    'VideoFrame',
    { displayWidth: 0, displayHeight: 0 },
    'a VideoFrame of 0 x 0 pixels',
    'It was closed: pass a frame that is open, and close it after the call.',
  ],
  ['HTMLCanvasElement', { width: 0, height: 5 }, 'an HTMLCanvasElement of 0 x 5 pixels', `${CANVAS}.`],
  [
    'OffscreenCanvas',
    { width: 4, height: 0 },
    'an OffscreenCanvas of 4 x 0 pixels',
    `${CANVAS}; one that was transferred has no pixels.`,
  ],
  [
    'HTMLVideoElement',
    { videoWidth: 0, videoHeight: 6 },
    'an HTMLVideoElement of 0 x 6 pixels',
    "Wait until it has a frame: its event 'loadeddata'.",
  ],
  [
    'HTMLImageElement',
    { naturalWidth: 0, naturalHeight: 3, width: 20, height: 30 },
    'an HTMLImageElement of 0 x 3 pixels',
    'Wait until the image is loaded: await image.decode().',
  ],
];

describe('what a page draws', () => {
  test.each(WITHOUT_PIXELS)('%s without pixels is refused', (tag, sides, got, hint) => {
    expect(thrown(() => imageSource('classify', { ...tagged(tag), ...sides }))).toMatchObject({
      ...{ name: 'DataError', op: 'classify', expected: EXPECTED, got, hint },
    });
  });

  test.each(WITHOUT_PIXELS)('%s with pixels is drawn', (tag, sides) => {
    const drawable = { ...tagged(tag), ...Object.fromEntries(Object.keys(sides).map((side) => [side, 1])) };
    expect(imageSource('classify', drawable)).toEqual({ kind: 'drawable', drawable });
  });
});

test.each([
  ['a Set', new Set(['a.png']), 'a Set', 'Pass an array: [...images].'],
  ['a Map', new Map([['a', 'a.png']]), 'a Map', 'Pass an array: [...images.values()].'],
  ['an iterable', { [Symbol.iterator]: () => [].values() }, 'an iterable object', 'Pass an array: [...images].'],
])('%s of images is refused', (_, input: unknown, got, hint) => {
  expect(thrown(() => imageSource('classify', input))).toMatchObject({
    ...{ name: 'DataError', op: 'classify', expected: EXPECTED, got, hint },
  });
});
