/** Bytes of images: limits, timeouts, causes, and what is canceled. */
import { platform } from '#runtime';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DataError, BackendUnavailableError } from '../../src/core/errors.js';
import type { ImageInput } from '../../src/image/imageInput.js';
import type { PixelImage } from '../../src/image/pixelImage.js';
import { readInput } from '../../src/model/readInput.js';
import { png } from '../fuzz/formats.js';
import { refusal } from '../io/refusal.js';

const MOST = 2 ** 28;
const URL_OF_IMAGE = 'https://example.org/cat.png';
const picture = png(9, 8);
const pixels: PixelImage = { data: new Uint8Array(3 * 9 * 8).fill(5), width: 9, height: 8 };
const never = <T>(): Promise<T> => new Promise(() => undefined);

const runtime = { ...platform };
/** The files that were decoded. */
let decoded: { bytes: Uint8Array; name: string }[];
beforeEach(() => {
  decoded = [];
  Object.assign(platform, {
    decodeImage: (bytes: Uint8Array, _: string, name: string) => {
      decoded.push({ bytes: bytes.slice(), name });
      return Promise.resolve(pixels);
    },
  });
});
afterEach(() => {
  Object.assign(platform, runtime);
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const read = async (input: ImageInput, signal?: AbortSignal): Promise<PixelImage> =>
  readInput('classify', input, (image) => image, signal);

/** A request that is answered so. */
const answer = (response: Response | Promise<Response>) =>
  jest.spyOn(globalThis, 'fetch').mockReturnValue(Promise.resolve(response));

describe('the bytes of a file', () => {
  test('are decoded, and prepared afterwards', async () => {
    expect(await readInput('classify', picture, ({ width }) => width)).toBe(9);
    expect(decoded).toEqual([{ bytes: new Uint8Array(picture), name: 'classify' }]);
  });

  test('come in chunks that are valid until the next', async () => {
    const buffer = new Uint8Array(7);
    Object.assign(platform, {
      async *readFile() {
        for (let at = 0; at < picture.length; at += 7) {
          const chunk = buffer.subarray(0, Math.min(7, picture.length - at));
          chunk.set(picture.subarray(at, at + 7));
          yield await Promise.resolve(chunk);
        }
      },
    });
    await read('cat.png');
    expect(decoded).toEqual([{ bytes: new Uint8Array(picture), name: 'cat.png' }]);
  });

  test('of exactly the limit are read, as far as a size says it', async () => {
    const arrayBuffer = (): Promise<ArrayBuffer> => Promise.resolve(Uint8Array.from(picture).buffer);
    expect(await read({ arrayBuffer, size: MOST } as ImageInput)).toBe(pixels);
    await expect(read({ arrayBuffer, size: MOST + 1 } as ImageInput)).rejects.toThrow(
      refusal(DataError, 'classify', `at most ${MOST} bytes`, `${MOST + 1}`),
    );
    answer(new Response(picture, { headers: { 'content-length': `${MOST}` } }));
    expect(await read(URL_OF_IMAGE)).toBe(pixels);
    answer(new Response(picture, { headers: { 'content-length': `${MOST + 1}` } }));
    await expect(read(URL_OF_IMAGE)).rejects.toThrow(
      refusal(DataError, URL_OF_IMAGE, `at most ${MOST} bytes`, `${MOST + 1}`),
    );
  });

  test.each([0, 1])('of the limit and %d more, if no size says it', async (more) => {
    // A chunk that only says how long it is.
    const chunk = { length: MOST - 1 + more, slice: () => new Uint8Array(picture) };
    Object.assign(platform, {
      async *readFile() {
        yield await Promise.resolve(Uint8Array.of(picture[0]));
        yield chunk;
      },
    });
    const error = more === 0 ? ['a PNG, JPEG or WebP image', ''] : [`at most ${MOST} bytes`, `${MOST + 1}`];
    await expect(read('cat.png')).rejects.toThrow(refusal(DataError, 'cat.png', error[0], error[1]));
  });
});

describe('a timeout', () => {
  const seconds30 = async (): Promise<void> => {
    await jest.advanceTimersByTimeAsync(30_000);
    await jest.advanceTimersByTimeAsync(1);
  };

  test('of a response', async () => {
    jest.useFakeTimers();
    answer(never());
    const result = expect(read(URL_OF_IMAGE)).rejects.toThrow(
      refusal(DataError, URL_OF_IMAGE, 'a response within 30 s', 'none'),
    );
    await jest.advanceTimersByTimeAsync(0);
    await seconds30();
    await result;
  });

  test('of a Blob, and of a body, which is canceled', async () => {
    jest.useFakeTimers();
    const late = refusal(DataError, 'classify', 'all bytes within 30 s', 'fewer');
    const blob = expect(read({ arrayBuffer: () => never() })).rejects.toThrow(late);
    await seconds30();
    await blob;
    const cancel = jest.fn<() => undefined>();
    const body = new ReadableStream<Uint8Array>({ cancel });
    const response = expect(read({ body, arrayBuffer: () => never() } as ImageInput)).rejects.toThrow(late);
    await seconds30();
    await response;
    expect(cancel).toHaveBeenCalledTimes(1);
  });
});

describe('a request', () => {
  test('is ended by the signal, and when it is not needed any more', async () => {
    const controller = new AbortController();
    const fetched = answer(never());
    const call = read(URL_OF_IMAGE, controller.signal);
    const { signal } = fetched.mock.calls[0][1] as { signal: AbortSignal };
    expect(signal.aborted).toBe(false);
    controller.abort('enough');
    await expect(call).rejects.toBe('enough');
    expect(signal.aborted).toBe(true);

    const again = answer(new Response(picture));
    await read(URL_OF_IMAGE);
    expect((again.mock.calls[1] ?? again.mock.calls[0])[1]?.signal?.aborted).toBe(true);
  });

  test('leaves no listener at the signal', async () => {
    const { signal } = new AbortController();
    const [added, removed] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    answer(new Response(picture));
    await read(URL_OF_IMAGE, signal);
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });

  test('fails with its cause', async () => {
    const cause = new TypeError('fetch failed');
    jest.spyOn(globalThis, 'fetch').mockRejectedValue(cause);
    const error: unknown = await read(URL_OF_IMAGE).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DataError', op: URL_OF_IMAGE, expected: 'an image that can be fetched' });
    expect((error as Error).cause).toBe(cause);
  });

  test.each([
    ['https://user:secret@example.org/cat.png?token=1#x', 'https://example.org/cat.png?…'],
    ['data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'data:image/png;base64,AAAAAAAAAAAAAAAAAA…'],
  ])('is named without secrets and content: %s', async (url, name) => {
    answer(new Response('none', { status: 404 }));
    await expect(read(url)).rejects.toMatchObject({ op: name, got: 'status 404', hint: expect.any(String) });
  });
});

test('a location is a path if the runtime has files, and otherwise a URL, whose query is hidden', async () => {
  const location = 'cat.png?token=1';
  await expect(read(location)).rejects.toMatchObject({ op: location, expected: 'a readable file' });
  Object.assign(platform, { readFile: null });
  answer(new Response('none', { status: 404 }));
  await expect(read(location)).rejects.toMatchObject({ op: 'cat.png?…', expected: 'a response that is OK' });
});

test('an error of the decoder becomes one about the image, with its cause', async () => {
  const cause = new Error('bad Huffman code');
  Object.assign(platform, { decodeImage: () => Promise.reject(cause) });
  const error: unknown = await read(picture).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ op: 'classify', expected: 'a whole image', got: 'bad Huffman code' });
  expect((error as Error).cause).toBe(cause);
});

test('an element fails with its cause, or without canvases', async () => {
  const element = { [Symbol.toStringTag]: 'HTMLCanvasElement', width: 1, height: 1 } as unknown as ImageInput;
  const cause = new Error('tainted');
  Object.assign(platform, { readPixels: () => Promise.reject(cause) });
  const error: unknown = await read(element).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).cause).toBe(cause);
  Object.assign(platform, { readPixels: null });
  await expect(read(element)).rejects.toThrow(
    refusal(BackendUnavailableError, 'classify', 'a runtime with canvases', 'a runtime without them'),
  );
});

test('an element is drawn when the call is made: a video goes on', () => {
  const readPixels = jest.fn(() => never<PixelImage>());
  Object.assign(platform, { readPixels });
  const element = { [Symbol.toStringTag]: 'HTMLVideoElement', videoWidth: 1, videoHeight: 1 } as unknown as ImageInput;
  void readInput('classify', element, (image) => image);
  expect(readPixels).toHaveBeenCalledTimes(1);
});

test('a preparation that throws rejects the call, and lets the next ones run', async () => {
  const fail = (): never => {
    throw new Error('no room');
  };
  await expect(readInput('classify', picture, fail)).rejects.toThrow('no room');
  await expect(readInput('classify', pixels, fail)).rejects.toThrow('no room');
  expect(await read(picture)).toBe(pixels);
});

test('decoded pixels of concurrent calls are copied, and prepared one by one', async () => {
  const own = { ...pixels, data: Buffer.alloc(3 * 9 * 8) };
  const prepare = jest.fn(({ data }: PixelImage) => [data[0], data.length]);
  const calls = [7, 8, 9].map((value) => {
    own.data.fill(value);
    return readInput('classify', own, prepare);
  });
  expect(prepare).toHaveBeenCalledTimes(1);
  own.data.fill(0);
  expect(await Promise.all(calls)).toEqual([
    [7, 216],
    [8, 216],
    [9, 216],
  ]);
});

test('the event loop has a turn between decoded pixels', async () => {
  let time = performance.now() + 1e6;
  const turns = jest.spyOn(platform, 'nextTurn');
  jest.spyOn(performance, 'now').mockImplementation(() => (time += 5));
  await Promise.all(Array.from({ length: 4 }, () => read(pixels)));
  expect(turns).toHaveBeenCalledTimes(4);
});

test('an aborted call leaves the queue of decoded pixels', async () => {
  const prepare = jest.fn(() => null);
  const controller = new AbortController();
  const first = read(pixels);
  const waiting = readInput('classify', pixels, prepare, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(await first).toEqual(pixels);
  expect(prepare).not.toHaveBeenCalled();
});

describe('memory that is transferred', () => {
  test('while the call waits is refused, and the next call works', async () => {
    const bytes = new Uint8Array(picture);
    const others = Array.from({ length: 5 }, () => read(picture));
    const refused = expect(read(bytes)).rejects.toMatchObject({
      ...{ op: 'classify', got: 'a detached buffer', hint: expect.stringContaining('pass a copy') },
    });
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await refused;
    await Promise.all(others);
    expect(await read(picture)).toBe(pixels);
  });

  test.each([
    ['transferred memory', () => structuredTransfer(), 'a detached buffer'],
    ['a text', () => 'hello', '"hello"'],
    ['nothing', () => undefined, 'undefined'],
    ['an object with another tag', () => ({ [Symbol.toStringTag]: 'MyArrayBuffer' }), '{}'],
    ['an object with a longer tag', () => ({ [Symbol.toStringTag]: 'ArrayBufferView' }), '{}'],
  ])('as %s of arrayBuffer() is refused', async (_, result, got) => {
    const blob = { arrayBuffer: () => Promise.resolve(result() as ArrayBuffer) };
    await expect(read(blob)).rejects.toThrow(refusal(DataError, 'classify', 'bytes from arrayBuffer()', got));
  });
});

describe('a response', () => {
  test('that is a part of its file is refused', async () => {
    const headers = { 'content-range': 'bytes 2-9/100' };
    await expect(read(new Response(picture, { status: 206, headers }))).rejects.toMatchObject({
      ...{ name: 'DataError', op: 'classify', expected: 'the whole file' },
      got: 'a part of it (status 206, content-range bytes 2-9/100)',
      hint: expect.stringContaining('no Range header'),
    });
  });

  test('that was read already, or has a reader, is refused', async () => {
    const used = new Response(picture);
    await used.arrayBuffer();
    const locked = new Response(picture);
    locked.body?.getReader();
    const released = new Response(picture);
    released.body?.getReader().releaseLock();
    expect(await read(released)).toBe(pixels);
    // Only bodyUsed says it.
    const withoutBody = { bodyUsed: true, body: null, arrayBuffer: () => Promise.resolve(new ArrayBuffer(0)) };
    for (const response of [used, locked, withoutBody as ImageInput]) {
      await expect(read(response)).rejects.toMatchObject({
        ...{ name: 'DataError', op: 'classify', expected: 'a body with its bytes', got: 'one that was read already' },
        hint: 'Pass a new one: its bytes can be read only once.',
      });
    }
  });

  test('that is not OK has a hint by its status, if it has one', async () => {
    await expect(read(new Response('', { status: 404 }))).rejects.toMatchObject({
      ...{ expected: 'a response that is OK', got: 'status 404', hint: expect.stringContaining('no file at that URL') },
    });
    const response = { ok: false, arrayBuffer: () => never<ArrayBuffer>() };
    const error: unknown = await read(response).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DataError', expected: 'a response that is OK' });
    expect((error as DataError).hint).toBeUndefined();
  });

  test('with too many bytes is canceled', async () => {
    // A chunk that only says how long it is.
    const chunk = { length: MOST + 1, slice: () => new Uint8Array(0) };
    const cancel = jest.fn(() => Promise.resolve());
    const reader = { read: () => Promise.resolve({ done: false, value: chunk }), cancel };
    const response = { body: { getReader: () => reader }, arrayBuffer: () => never<ArrayBuffer>() };
    await expect(read(response as ImageInput)).rejects.toThrow(
      refusal(DataError, 'classify', `at most ${MOST} bytes`, `${MOST + 1}`),
    );
    expect(cancel).toHaveBeenCalledTimes(1);
  });
});

test.each([
  ['a Blob', { arrayBuffer: () => never<ArrayBuffer>() }],
  ['a request', URL_OF_IMAGE],
])('%s that never answers has no timer after the signal', async (_, input) => {
  answer(never());
  const begun = jest.spyOn(globalThis, 'setTimeout');
  const ended = jest.spyOn(globalThis, 'clearTimeout');
  const controller = new AbortController();
  const call = read(input, controller.signal);
  await platform.nextTurn();
  controller.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await platform.nextTurn();
  const timers = begun.mock.results.filter((_result, i) => begun.mock.calls[i][1] === 30_000);
  expect(timers).toHaveLength(1);
  expect(ended.mock.calls.map(([timer]) => timer)).toContain(timers[0].value);
});

function structuredTransfer(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

describe('an aborted body', () => {
  test('is canceled at once, with the reason for the caller', async () => {
    const controller = new AbortController();
    let pulls = 0;
    const canceled = new Promise<void>((resolve) => {
      const body = new ReadableStream<Uint8Array>({
        async pull(stream) {
          await new Promise((next) => setTimeout(next, 1));
          if (++pulls === 3) controller.abort(new Error('enough'));
          stream.enqueue(new Uint8Array(10));
        },
        cancel: resolve,
      });
      void expect(read(new Response(body), controller.signal)).rejects.toThrow('enough');
    });
    await canceled;
    const before = pulls;
    await new Promise((next) => setTimeout(next, 20));
    expect(pulls).toBe(before);
  });

  test('that never sends is canceled, too', async () => {
    const controller = new AbortController();
    let isCanceled = false;
    const body = new ReadableStream<Uint8Array>({
      cancel: () => {
        isCanceled = true;
      },
    });
    const call = read(new Response(body), controller.signal);
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    expect(isCanceled).toBe(true);
  });
});
