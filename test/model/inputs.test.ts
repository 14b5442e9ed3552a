/** `classify`, `forward` and `features` take images of any kind. */
import { platform } from '#runtime';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { BackendUnavailableError, DataError, ParamError, ShapeError, VanillaNetError } from '../../src/core/errors.js';
import { MAX_PIXELS } from '../../src/image/checkImage.js';
import type { PixelImage } from '../../src/image/pixelImage.js';
import { preprocess, preprocessOptions } from '../../src/image/preprocess.js';
import { Model, type ModelInput } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { posixTest } from '../platform.js';
import { drawnConfig, drawnState } from './drawnNetwork.js';

const [width, height] = [23, 19];
const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 7 + 13 * i) % 256);
const pixels: PixelImage = { data: rgb, width, height };
const raw = sharp(rgb, { raw: { width, height, channels: 3 } });
const png = new Uint8Array(await raw.clone().png().toBuffer());
const rgba = await raw.clone().ensureAlpha(0.25).raw().toBuffer({ resolveWithObject: true });
const gray = await raw.clone().grayscale().raw().toBuffer({ resolveWithObject: true });
const grayAlpha = await raw.clone().grayscale().ensureAlpha().raw().toBuffer({ resolveWithObject: true });

const config = drawnConfig('deploy');
const model = await Model.open(drawnState(config), config, wasmBackend);
const best = await model.classify(pixels);
const x = preprocess(pixels, preprocessOptions(config));
const logits = await model.forward(x);

const originOf = async (listener: Server): Promise<string> => {
  await new Promise<void>((resolve) => listener.listen(0, resolve));
  return `http://localhost:${(listener.address() as AddressInfo).port}`;
};

let folder: string;
let server: Server;
let origin: string;
/** The origin of a server that has ended. */
let closed: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inputs-'));
  await writeFile(join(folder, 'picture.png'), png);
  server = createServer((request, response) => {
    if (request.url === '/picture.png') response.end(png);
    else if (request.url === '/large') response.writeHead(200, { 'content-length': 2 ** 28 + 1 }).flushHeaders();
    else if (request.url === '/page') response.end('<!doctype html><title>no picture</title>');
    else if (request.url === '/never') response.writeHead(200, { 'content-length': 100 }).write('x');
    else response.writeHead(404).end('none');
  });
  origin = await originOf(server);
  const ended = createServer();
  closed = await originOf(ended);
  ended.close();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});
const runtime = { ...platform };
afterEach(() => {
  Object.assign(platform, runtime);
  jest.restoreAllMocks();
});

test('the answer is not that of any picture', async () => {
  expect(await model.classify({ ...pixels, data: rgb.map((v) => 255 - v) })).not.toEqual(best);
});

const kinds: [string, () => ModelInput][] = [
  ['pixels', () => pixels],
  ['pixels with alpha', () => ({ data: Uint8ClampedArray.from(rgba.data), width, height })],
  ["sharp's output", () => ({ data: Buffer.from(rgb), info: { width, height, channels: 3 } })],
  ["sharp's output with alpha", () => rgba],
  ['normalized values', () => x],
  ['normalized float64', () => Float64Array.from(x)],
  ['the bytes of a file', () => png],
  ['a Buffer', () => Buffer.from(png)],
  ['an ArrayBuffer', () => png.buffer.slice(png.byteOffset, png.byteOffset + png.length)],
  ['a Blob', () => new Blob([png])],
  ['a File', () => new File([png], 'picture.png')],
  ['a Response', () => new Response(png)],
  ['a path', () => join(folder, 'picture.png')],
  ['a file URL as text', () => pathToFileURL(join(folder, 'picture.png')).href],
  ['a file URL', () => pathToFileURL(join(folder, 'picture.png'))],
  ['an http URL', () => `${origin}/picture.png`],
  ['a data URL', () => `data:image/png;base64,${Buffer.from(png).toString('base64')}`],
];

describe.each(kinds)('%s', (_, input) => {
  test('is classified, alone and in a list', async () => {
    expect(await model.classify(input())).toEqual(best);
    expect(await model.classify([input(), pixels], { topK: 2 })).toEqual([best.slice(0, 2), best.slice(0, 2)]);
  });

  test('has the same logits and features', async () => {
    expect(await model.forward(input())).toEqual(logits);
    expect(await model.forward([input()])).toEqual(logits);
    expect(await model.features(input(), ['cls.0'])).toEqual(await model.features(x, ['cls.0']));
  });
});

test.each([
  ['gray', gray],
  ['gray with alpha', grayAlpha],
])("sharp's %s output is expanded", async (_, image) => {
  const values = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) values.fill(image.data[i * image.info.channels], 3 * i, 3 * i + 3);
  expect(await model.classify(image)).toEqual(await model.classify({ data: values, width, height }));
});

test('a list is a batch: logits and features of each, in order', async () => {
  const other = { data: rgb.map((v) => 255 - v), width, height };
  const alone = await model.forward(other);
  const rows = [logits, alone, logits];
  expect([...(await model.forward([pixels, other, x]))]).toEqual(rows.flatMap((row) => [...row]));
  expect(await model.forward([pixels, other], 2)).toHaveLength(2 * config.num_classes);
  const maps = await model.features([pixels, other], ['stem', 'cls.0']);
  const one = await model.features(other, ['stem']);
  const { data, shape } = maps.get('stem') ?? { data: new Float32Array(0), shape: [] };
  expect(shape[0]).toBe(2);
  expect(data.slice(data.length / 2)).toEqual(one.get('stem')?.data);
});

test('an empty list has no answers', async () => {
  expect(await model.classify([])).toEqual([]);
  expect(await model.forward([])).toEqual(new Float32Array(0));
});

test('a backend without pixels computes a list at once', async () => {
  const reference = await Model.open(drawnState(config), config, referenceBackend);
  const answers = await reference.classify([pixels, png, Float64Array.from(x)]);
  expect(answers).toHaveLength(3);
  expect(answers[0]).toEqual(await reference.classify(pixels));
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});

test('decoded pixels may be overwritten after the call', async () => {
  const own = { data: rgb.slice(), width, height };
  const first = model.classify(own);
  const second = model.classify(own);
  own.data.fill(0);
  expect([await first, await second]).toEqual([best, best]);
});

posixTest('colons')('a path with a colon is no URL', async () => {
  await mkdir(join(folder, 'model:v0'));
  await writeFile(join(folder, 'model:v0', 'picture.png'), png);
  const before = process.cwd();
  process.chdir(folder);
  try {
    expect(await model.classify('model:v0/picture.png')).toEqual(best);
  } finally {
    process.chdir(before);
  }
});

describe('refuses', () => {
  /** Bytes without end. The chunk is never written, so that it takes no memory. */
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull: (stream) => {
          stream.enqueue(new Uint8Array(2 ** 28 + 1));
        },
      }),
    );
  const blob = { arrayBuffer: () => Promise.reject(new Error('must not be read')) };
  const cut = png.subarray(0, png.length - 40);
  const cases: [string, () => unknown, new (...args: never[]) => VanillaNetError, string, string, string][] = [
    ['a missing file', () => 'no/such.png', DataError, 'no/such.png', 'a readable file', 'no such file or folder'],
    ['a status', () => `${origin}/none`, DataError, '/none', 'a response that is OK', 'status 404'],
    ['a page', () => `${origin}/page`, DataError, '/page', 'a PNG, JPEG or WebP image', ''],
    ['a large answer', () => `${origin}/large`, DataError, '/large', `at most ${2 ** 28} bytes`, `${2 ** 28 + 1}`],
    ['a folder', () => folder, DataError, '', 'a readable file', 'a folder'],
    ['no server', () => `${closed}/x.png`, DataError, '/x.png', 'can be fetched', 'a refused connection'],
    ['an endless answer', () => endless(), DataError, 'classify', `at most ${2 ** 28} bytes`, `${2 ** 28 + 1}`],
    ['a large Blob', () => ({ ...blob, size: 2 ** 28 + 1 }), DataError, 'classify', `at most ${2 ** 28} bytes`, ''],
    ['a failed Response', () => new Response('', { status: 500 }), DataError, 'classify', 'OK', 'status 500'],
    ['text', () => Buffer.from('hello'), DataError, 'classify', 'a PNG, JPEG or WebP image', ''],
    ['no bytes', () => new Uint8Array(0), DataError, 'classify', 'a PNG, JPEG or WebP image', 'an empty file'],
    ['a cut file', () => cut, DataError, 'classify', 'a whole image', ''],
    ['other raw data', () => ({ ...rgba, data: rgb }), ShapeError, 'classify', '1 to 4 channels', '4 channels'],
    [
      'raw data of 16 bits',
      () => ({ ...gray, data: new Uint16Array(9) }),
      ShapeError,
      'classify',
      '1 to 4 channels',
      'Uint16Array and 1 channels',
    ],
    ['a wrong size', () => ({ ...pixels, width: 3 }), ShapeError, '', 'bytes (RGB)', ''],
    ['a Float32Array of another length', () => new Float32Array(3), ShapeError, 'classify', 'x of 960 values', '3'],
    ['a fake Blob', () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }), DataError, '', 'Blob', 'gone'],
  ];

  test.each(cases)('%s', async (_, input, type, op, expected, got) => {
    const call = model.classify(input() as ModelInput);
    await expect(call).rejects.toThrow(refusal(type, op, expected, got));
    expect(await model.classify(pixels)).toEqual(best);
  });

  const MAGICK = 'Convert it first, for example: magick IN out.png.';
  const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n';
  const hints: [string, () => unknown, string, string][] = [
    ['a GIF', () => Buffer.from('GIF89a…………'), 'a GIF image', MAGICK],
    ['a BMP', () => Buffer.from('BM\0\0\0\0\0\0\0\0…', 'latin1'), 'a BMP image', MAGICK],
    ['a TIFF', () => Buffer.from('II*\0…………', 'latin1'), 'a TIFF image', MAGICK],
    ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'an SVG image', MAGICK],
    ['a page', () => `${origin}/page`, 'an HTML page', 'A server sent a page instead of the file: check the URL.'],
    ['a pointer', () => new Blob([LFS]), 'a Git LFS pointer', 'git lfs pull'],
    ['a PDF', () => Buffer.from('%PDF-1.7…………'), 'a PDF document', 'Check the path or URL.'],
    [
      'an array',
      () => Buffer.from('\x93NUMPY…………', 'latin1'),
      'a NumPy array (.npy)',
      'Pass a PNG, JPEG or WebP image.',
    ],
    ['no bytes', () => new Uint8Array(0), 'an empty file', 'Download, copy or export the file again.'],
    ['weights', () => 'models/vanillanet-cifar10.safetensors', 'a safetensors file', 'Pass weights to loadModel'],
    ['a status', () => `${origin}/none`, 'status 404', 'There is no file at that URL'],
    ['a missing file', () => 'no/such.png', 'no such file or folder', 'Check the path.'],
    ['an empty path', () => '', 'an empty path', 'Pass the path of a file'],
    ['another scheme', () => 's3://bucket/cat.png', 'a URL of another scheme', 'Download the file first'],
    ['no server', () => `${closed}/x.png`, 'a refused connection', 'Check that the server runs'],
    ['an object of sharp', () => raw, 'an object of sharp', 'Pass await image.raw().toBuffer('],
    ['a Promise', () => Promise.resolve(png), 'a Promise', 'Await it first.'],
  ];
  test.each(hints)('%s with a hint', async (_, input, got, hint) => {
    await expect(model.classify(input() as ModelInput)).rejects.toMatchObject({
      name: 'DataError',
      got: expect.stringContaining(got),
      hint: expect.stringContaining(hint),
    });
  });

  posixTest('devices')('a named pipe and a socket, without opening them', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const call = model.classify(pipe);
    await expect(call).rejects.toMatchObject({
      got: expect.stringContaining('a named pipe'),
      hint: expect.any(String),
    });
    const socket = join(folder, 'socket');
    const listener = createServer().listen(socket);
    await once(listener, 'listening');
    await expect(model.classify(socket)).rejects.toMatchObject({ got: 'a socket', hint: expect.any(String) });
    listener.close();
  });

  test('a data URL without its content in the message', async () => {
    const url = `data:image/png;base64,${Buffer.from(cut).toString('base64')}`;
    const error: unknown = await model.classify(url).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message.length).toBeLessThan(250);
  });

  test('another number of images', async () => {
    const error = refusal(ParamError, 'forward', 'n = 2, the number of images', 'n = 3');
    await expect(model.forward([pixels, pixels], 3)).rejects.toThrow(error);
  });

  test('images of a network for other channels', async () => {
    const other = drawnConfig('deploy', { in_chans: 2, mean: [0.5, 0.5], std: [0.5, 0.5] });
    const two = await Model.open(drawnState(other), other, wasmBackend);
    for (const call of [two.classify(pixels), two.forward([png]), two.features(png, ['stem'])]) {
      await expect(call).rejects.toThrow('expected a network for RGB or grayscale images, got in_chans 2');
    }
  });

  test('an image of more pixels than any decoder should allocate', async () => {
    const large = png.slice();
    new DataView(large.buffer).setUint32(16, MAX_PIXELS + 1);
    new DataView(large.buffer).setUint32(20, 1);
    await expect(model.classify(large)).rejects.toMatchObject({
      name: 'DataError',
      expected: `an image of at most ${MAX_PIXELS} pixels`,
    });
  });

  test('elements outside of browsers, with a hint', async () => {
    for (const tag of ['HTMLImageElement', 'HTMLCanvasElement', 'HTMLVideoElement', 'ImageBitmap', 'VideoFrame']) {
      const element = { [Symbol.toStringTag]: tag, width: 1, height: 1 };
      await expect(model.classify(element as unknown as ModelInput)).rejects.toMatchObject({
        name: 'BackendUnavailableError',
        op: 'classify',
        expected: 'a runtime with canvases',
        hint: 'Pass pixels as { data, width, height }, or the bytes of the image file.',
      });
    }
  });
});

/** Replaces functions of the runtime until the end of the test. */
function runtimeWith(functions: Partial<typeof platform>): void {
  Object.assign(platform, functions);
}

describe('in another runtime', () => {
  test('without a decoder, files are refused with a hint', async () => {
    runtimeWith({ decodeImage: null });
    await expect(model.classify(png)).rejects.toThrow(
      refusal(BackendUnavailableError, 'classify', 'a runtime that decodes images', 'a runtime without a decoder'),
    );
    await expect(model.classify(png)).rejects.toMatchObject({ hint: expect.stringContaining('@jsquash/png') });
    // What is no image is named first.
    await expect(model.classify(new Uint8Array(9))).rejects.toThrow(DataError);
  });

  test('without files, a path is a relative URL', async () => {
    const fetched = jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(png));
    runtimeWith({ readFile: null });
    expect(await model.classify('picture.png')).toEqual(best);
    expect(fetched.mock.calls[0][0]).toBe('picture.png');
  });

  test('with canvases, elements are drawn', async () => {
    const drawn: object[] = [];
    runtimeWith({
      readPixels: (drawable) => {
        drawn.push(drawable);
        return Promise.resolve(pixels);
      },
    });
    const element = { [Symbol.toStringTag]: 'HTMLImageElement', naturalWidth: width, naturalHeight: height };
    expect(await model.classify(element)).toEqual(best);
    expect(drawn).toEqual([element]);
  });

  test('an element that cannot be drawn is refused with a hint', async () => {
    runtimeWith({ readPixels: () => Promise.reject(new Error('The canvas has been tainted')) });
    const element = { [Symbol.toStringTag]: 'HTMLImageElement', naturalWidth: 1, naturalHeight: 1 };
    await expect(model.classify(element)).rejects.toMatchObject({
      name: 'DataError',
      op: 'classify',
      expected: 'an image whose pixels can be read',
      got: 'The canvas has been tainted',
      hint: expect.stringContaining('crossorigin'),
    });
  });
});

describe('many calls at once', () => {
  test('decode four images at a time, and give the event loop a turn between their preparations', async () => {
    let [running, most, turns] = [0, 0, 0];
    let release = (): void => undefined;
    // The first ones wait for each other: on a busy machine, one may end before the fourth begins.
    const four = new Promise<void>((resolve) => (release = resolve));
    runtimeWith({
      decodeImage: async () => {
        most = Math.max(most, ++running);
        if (most === 4) release();
        await Promise.race([four, new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
        return pixels;
      },
      nextTurn: () => {
        turns++;
        return runtime.nextTurn();
      },
    });
    let time = performance.now() + 1e6;
    jest.spyOn(performance, 'now').mockImplementation(() => (time += 5));
    const path = join(folder, 'picture.png');
    const inputs: ModelInput[] = Array.from({ length: 20 }, (_, i) => [png, path, new Blob([png])][i % 3]);
    expect(await Promise.all(inputs.map((input) => model.classify(input)))).toEqual(inputs.map(() => best));
    expect(most).toBe(4);
    expect(turns).toBeGreaterThanOrEqual(3 * inputs.length);
  });

  test('that fail leave their places to others', async () => {
    const calls = Array.from({ length: 12 }, (_, i) => model.classify(i % 2 === 0 ? png : new Uint8Array(9)));
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual(calls.map((_, i) => (i % 2 === 0 ? 'fulfilled' : 'rejected')));
  });
});

describe('a signal', () => {
  test('ends the reading of a file at its next chunk', async () => {
    const controller = new AbortController();
    let [chunks, isClosed] = [0, false];
    runtimeWith({
      // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
      async *readFile() {
        try {
          for (;;) {
            if (++chunks === 3) controller.abort('enough');
            yield new Uint8Array(10);
          }
        } finally {
          isClosed = true;
        }
      },
    });
    await expect(model.classify('endless.png', { signal: controller.signal })).rejects.toBe('enough');
    await runtime.nextTurn();
    expect({ chunks, isClosed }).toEqual({ chunks: 3, isClosed: true });
    Object.assign(platform, runtime);
    expect(await model.classify(png)).toEqual(best);
  });

  test('removes calls that wait for their decoding', async () => {
    const controller = new AbortController();
    const ends: (() => void)[] = [];
    runtimeWith({
      decodeImage: () =>
        new Promise((resolve) =>
          ends.push(() => {
            resolve(pixels);
          }),
        ),
    });
    const first = Array.from({ length: 4 }, () => model.classify(png));
    const waiting = model.classify(png, { signal: controller.signal });
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    await runtime.nextTurn();
    expect(ends).toHaveLength(4);
    for (const end of ends) end();
    expect(await Promise.all(first)).toEqual([best, best, best, best]);
  });

  test('ends a request', async () => {
    const controller = new AbortController();
    const call = model.classify(`${origin}/never`, { signal: controller.signal });
    setTimeout(() => {
      controller.abort('enough');
    }, 50);
    await expect(call).rejects.toBe('enough');
    expect(await model.classify(pixels)).toEqual(best);
  });

  test('ends a list between decoding and computing', async () => {
    const controller = new AbortController();
    runtimeWith({
      decodeImage: () => {
        controller.abort('enough');
        return Promise.resolve(pixels);
      },
    });
    await expect(model.classify([pixels, png, pixels], { signal: controller.signal })).rejects.toBe('enough');
    await expect(model.classify([png], { signal: AbortSignal.abort('early') })).rejects.toBe('early');
  });

  test('ends the wait for an element', async () => {
    runtimeWith({ readPixels: () => new Promise(() => undefined) });
    const element = { [Symbol.toStringTag]: 'HTMLImageElement', naturalWidth: 1, naturalHeight: 1 };
    await expect(model.classify(element, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});
