/** A chunk of a PNG. In a truncated file the last one is short, which the decoder detects. */
interface Chunk {
  readonly name: string;
  readonly data: Uint8Array;
  /** The data with the length and name before it and the checksum after it. */
  readonly whole: Uint8Array;
}

const SIGNATURE = 8;
const [HEADER, CHECKSUM] = [8, 4];

function* chunksOf(png: Uint8Array): Generator<Chunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = SIGNATURE; at + HEADER <= png.length;) {
    const [begin, end] = [at + HEADER, at + HEADER + view.getUint32(at)];
    const name = String.fromCharCode(...png.subarray(at + 4, begin));
    yield { name, data: png.subarray(begin, end), whole: png.subarray(at, end + CHECKSUM) };
    at = end + CHECKSUM;
  }
}

/** The chunks that pixels need. Others are left out: a color profile of kilobytes may inflate to many megabytes. */
const PIXEL_CHUNKS = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/** The parts of a PNG that a decoder needs. */
export function* piecesOf(png: Uint8Array): Generator<Uint8Array> {
  yield png.subarray(0, SIGNATURE);
  for (const { name, whole } of chunksOf(png)) if (PIXEL_CHUNKS.includes(name)) yield whole;
}

/**
 * Whether a PNG has more data than the pixels of its header can take. A decoder would inflate all of
 * it, to a thousand times as much.
 */
export function isOverfull(png: Uint8Array, pixels: number, bitDepth: number): boolean {
  let length = 0;
  // The chunks are not collected: there may be hundreds of thousands.
  for (const { name, data } of chunksOf(png)) if (name === 'IDAT') length += data.length;
  // Four samples a pixel, a filter byte a row (rows may have one pixel), and the overhead of deflate.
  return length > ((4 * Math.max(8, bitDepth)) / 8 + 1) * pixels + 1024;
}
