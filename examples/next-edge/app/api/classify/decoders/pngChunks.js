const SIGNATURE = 8;
const [BEFORE, BEHIND] = [8, 4];

function* chunksOf(png) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = SIGNATURE; at + BEFORE <= png.length;) {
    const [begin, end] = [at + BEFORE, at + BEFORE + view.getUint32(at)];
    const name = String.fromCharCode(...png.subarray(at + 4, begin));
    yield { name, data: png.subarray(begin, end), whole: png.subarray(at, end + BEHIND) };
    at = end + BEHIND;
  }
}

/** What pixels are made of. All else is left out: a profile of some kilobytes may inflate to many megabytes. */
const WANTED = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/** What a decoder needs of a PNG, piece by piece. */
export function* piecesOf(png) {
  yield png.subarray(0, SIGNATURE);
  for (const { name, whole } of chunksOf(png)) if (WANTED.includes(name)) yield whole;
}

/**
 * Whether there is more of a PNG's pixels than all of them take that its head declares, with 8 bits a sample: a decoder
 * inflates them to their end, to a thousand times as much.
 */
export function isOverfull(png, pixels) {
  let length = 0;
  // None is kept: there may be hundreds of thousands.
  for (const { name, data } of chunksOf(png)) if (name === 'IDAT') length += data.length;
  // Four samples, and in rows of one pixel a filter for each; what deflate adds where it does not help.
  return length > 5 * pixels + 1024;
}
