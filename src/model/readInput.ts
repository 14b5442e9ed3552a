/** Reads the pixels of images of any kind: what the runtime decodes and draws is in src/runtime. */
import { platform } from '#runtime';
import { onAbort, throwIfAborted, untilAborted, type AbortOptions } from '../core/abort.js';
import { BackendUnavailableError, DataError, VanillaNetError } from '../core/errors.js';
import { cancel } from '../core/cancel.js';
import { show, tagOf } from '../core/check.js';
import { DETACHED, DETACHED_HINT, isDetached } from '../core/detached.js';
import { messageOf } from '../core/messageOf.js';
import { withTimeout } from '../core/timeout.js';
import { checkImage, MAX_PIXELS } from '../image/checkImage.js';
import { imageSource, type ImageInput } from '../image/imageInput.js';
import { channelsOf, type PixelImage } from '../image/pixelImage.js';
import { PART_HINT, partOf, USED } from '../io/checkSource.js';
import { displayName, isFileUrl, isUrl } from '../io/location.js';
import { hintOf, hintOfStatus, reasonOf } from '../io/reason.js';
import { createJobQueue } from '../runtime/turns.js';

type Signal = AbortOptions['signal'];

/** Milliseconds to wait for the response of a URL, and for all of its body. */
const TIMEOUT = 30_000;

/** The most bytes of an image file. */
const MOST_BYTES = 2 ** 28;

/**
 * Files that are read and decoded at a time: as many as libuv has threads. The pixels of others would only wait, and take
 * many times the memory of their files.
 */
const MOST_DECODED = 4;

const decoding = createJobQueue(MOST_DECODED);
/** Decoded images are prepared one by one, with turns of the event loop between them. */
const preparing = createJobQueue();

const DECODERS = '@jsquash/jpeg, @jsquash/png or @jsquash/webp';

const tooLarge = (name: string, bytes: number): DataError =>
  new DataError({ op: name, expected: `at most ${MOST_BYTES} bytes`, got: `${bytes}` });

/** Other errors become DataErrors with the name of the image; those of the signal remain. */
async function named<T>(name: string, expected: string, signal: Signal, work: Promise<T>): Promise<T> {
  try {
    return await untilAborted(signal, work);
  } catch (cause) {
    throwIfAborted(signal);
    if (cause instanceof VanillaNetError) throw cause;
    throw new DataError({ op: name, expected, got: reasonOf(cause), hint: hintOf(cause) }, { cause });
  }
}

/** The parts of a `Blob` and of a `Response` that are used. */
interface Body {
  readonly ok?: boolean;
  readonly status?: number;
  readonly size?: number;
  readonly bodyUsed?: boolean;
  readonly headers?: { get(name: string): string | null };
  readonly body?: ReadableStream<Uint8Array> | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The bytes of a `Blob` or `Response`, whose stream is canceled if the signal is aborted. */
async function bytesOfBody(body: Body, name: string, signal: Signal): Promise<Uint8Array> {
  throwIfAborted(signal);
  if (body.ok === false) {
    const hint = body.status === undefined ? undefined : hintOfStatus(body.status);
    throw new DataError({ op: name, expected: 'a response that is OK', got: `status ${body.status}`, hint });
  }
  const part = partOf(body);
  if (part !== null) throw new DataError({ op: name, expected: 'the whole file', got: part, hint: PART_HINT });
  if (body.bodyUsed === true || body.body?.locked === true) {
    throw new DataError({ op: name, expected: 'a body with its bytes', got: 'one that was read already', hint: USED });
  }
  const { size = 0 } = body;
  if (size > MOST_BYTES) throw tooLarge(name, size);
  const reader = body.body?.getReader();
  const stop = (): void => {
    if (reader !== undefined) cancel(reader);
  };
  const late = (): Error => {
    stop();
    return new DataError({ op: name, expected: `all bytes within ${TIMEOUT / 1000} s`, got: 'fewer' });
  };
  const bytes = reader === undefined ? bytesOfBlob(body, name) : bytesOf(chunksOf(reader), name);
  const removeListener = onAbort(signal, stop);
  return withTimeout(bytes, TIMEOUT, late, signal ?? undefined).finally(removeListener);
}

async function bytesOfBlob(blob: Body, op: string): Promise<Uint8Array> {
  // An object of a caller without types may return anything.
  const buffer: unknown = await blob.arrayBuffer();
  const refuse = (got: string, hint?: string): never => {
    throw new DataError({ op, expected: 'bytes from arrayBuffer()', got, hint });
  };
  const isView = ArrayBuffer.isView(buffer);
  if (!isView && !/^(Shared)?ArrayBuffer$/.test(tagOf(buffer))) return refuse(show(buffer));
  const bytes = buffer as ArrayBufferView | ArrayBuffer;
  if (isDetached(bytes)) return refuse(DETACHED, DETACHED_HINT);
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

/** The chunks of a stream, which is canceled when the caller takes no more. */
async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    cancel(reader);
  }
}

/** All bytes of chunks, of at most `MOST_BYTES`. A signal ends the source at the next chunk. */
async function bytesOf(chunks: AsyncIterable<Uint8Array>, name: string, signal?: Signal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    throwIfAborted(signal);
    length += chunk.length;
    if (length > MOST_BYTES) throw tooLarge(name, length);
    parts.push(chunk.slice());
  }
  const bytes = new Uint8Array(length);
  parts.reduce((at, part) => {
    bytes.set(part, at);
    return at + part.length;
  }, 0);
  return bytes;
}

/** The file at a location; null if it must be fetched. */
function openLocalFile(location: string): AsyncIterable<Uint8Array> | null {
  const { readFile } = platform;
  const isLocal = readFile !== null && (!isUrl(location) || isFileUrl(location));
  return isLocal ? readFile(location, () => undefined) : null;
}

async function fetchImage(location: string, name: string, signal: Signal): Promise<Uint8Array> {
  const controller = new AbortController();
  const removeListener = onAbort(signal, () => {
    controller.abort();
  });
  const late = (): Error => new DataError({ op: name, expected: `a response within ${TIMEOUT / 1000} s`, got: 'none' });
  const load = async (): Promise<Uint8Array> => {
    const response = await withTimeout(
      fetch(location, { signal: controller.signal }),
      TIMEOUT,
      late,
      signal ?? undefined,
    );
    const length = Number(response.headers.get('content-length') ?? 0);
    if (length > MOST_BYTES) throw tooLarge(name, length);
    return bytesOfBody(response, name, signal);
  };
  try {
    return await named(name, 'an image that can be fetched', signal, load());
  } finally {
    removeListener();
    // Ends a request that is not needed any more.
    controller.abort();
  }
}

async function decode(op: string, bytes: Uint8Array, name: string, signal: Signal): Promise<PixelImage> {
  throwIfAborted(signal);
  const { format } = checkImage(bytes, name, MAX_PIXELS);
  if (platform.decodeImage === null) {
    throw new BackendUnavailableError({
      op,
      expected: 'a runtime that decodes images',
      got: 'a runtime without a decoder',
      hint: `Decode the image first, for example with ${DECODERS}, and pass { data, width, height }.`,
    });
  }
  return named(name, 'a whole image', signal, platform.decodeImage(bytes, format, name));
}

async function draw(op: string, drawable: object, signal: Signal): Promise<PixelImage> {
  if (platform.readPixels === null) {
    throw new BackendUnavailableError({
      op,
      expected: 'a runtime with canvases',
      got: 'a runtime without them',
      hint: 'Pass pixels as { data, width, height }, or the bytes of the image file.',
    });
  }
  try {
    return await untilAborted(signal, platform.readPixels(drawable));
  } catch (cause) {
    throwIfAborted(signal);
    const hint =
      'Wait until the image is loaded (await image.decode()); an image of another origin needs crossorigin="anonymous" and a server that allows it.';
    throw new DataError({ op, expected: 'an image whose pixels can be read', got: messageOf(cause), hint }, { cause });
  }
}

/** A copy of pixels. A Buffer's `slice` would not copy. */
const copyImage = ({ data, ...image }: PixelImage): PixelImage => ({ ...image, data: new Uint8Array(data) });

/**
 * Reads an image and prepares its pixels, one image at a time. Pixels that are decoded already are prepared or copied
 * before this returns, so that the caller may overwrite them.
 *
 * @param prepare scales the image, for example; takes milliseconds
 * @throws DataError, ShapeError for what is no image, or a damaged one
 * @throws BackendUnavailableError if the runtime cannot decode or draw it
 */
export function readInput<T>(
  op: string,
  input: ImageInput,
  prepare: (image: PixelImage) => T,
  signal?: Signal,
): Promise<T> {
  const source = imageSource(op, input);
  const prepareInTurn = async (pixels: Promise<PixelImage>): Promise<T> => {
    const image = await pixels;
    return preparing.add(() => Promise.resolve(image).then(prepare), signal);
  };
  const decodeInTurn = (read: () => Promise<Uint8Array> | Uint8Array, name = op): Promise<T> =>
    decoding.add(async () => prepareInTurn(decode(op, await read(), name, signal)), signal);
  switch (source.kind) {
    case 'pixels': {
      channelsOf(op, source.image);
      // An image that waits is copied: the caller may overwrite it.
      const image = preparing.isIdle ? source.image : copyImage(source.image);
      return preparing.add(() => Promise.resolve(prepare(image)), signal);
    }
    case 'bytes':
      return decodeInTurn(() => source.bytes);
    case 'blob':
      return named(op, 'a readable Blob', signal, bytesOfBody(source.blob, op, signal)).then((bytes) =>
        decodeInTurn(() => bytes),
      );
    case 'location': {
      const { location } = source;
      const name = displayName(location, platform.readFile !== null);
      const file = openLocalFile(location);
      return file === null
        ? fetchImage(location, name, signal).then((bytes) => decodeInTurn(() => bytes, name))
        : decodeInTurn(() => named(name, 'a readable file', signal, bytesOf(file, name, signal)), name);
    }
    case 'drawable':
      return prepareInTurn(draw(op, source.drawable, signal));
  }
}
