/** A Lambda behind a function URL or API Gateway: POST a photograph, get labels. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { DataError, imageFormat, imageInfo, loadModel } from 'vanillanet';

const WEIGHTS = import.meta.resolve('vanillanet/models/vanillanet-cifar10.safetensors');
/** Larger images are refused by their head, before anything is decoded. */
const MOST_PIXELS = 40e6;
/** Times that a JPEG goes through its whole picture. A progressive one has some ten; hostile ones have thousands. */
const MOST_SCANS = 100;

// While the container starts, which is billed like the rest: every invocation finds the model ready.
const model = await loadModel(fileURLToPath(WEIGHTS));

const answer = (statusCode, body) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Why an image is not decoded, by its head; null where it is. */
function reasonAgainst({ width, height, bitDepth, color, animated, scans }) {
  if (width * height > MOST_PIXELS) {
    return `expected at most ${MOST_PIXELS / 1e6} megapixels, got ${width} x ${height}`;
  }
  if (scans > MOST_SCANS) return `expected at most ${MOST_SCANS} scans, got ${scans}`;
  if (animated) return 'expected one picture, got an animation';
  if (color === 'cmyk') return 'expected RGB or gray, got CMYK';
  return bitDepth > 8 ? `expected samples of 8 bits, got ${bitDepth}` : null;
}

export async function handler({ body, isBase64Encoded }) {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'latin1');
  if (bytes.length === 0) return answer(400, { error: 'expected an image, got no bytes' });
  const format = imageFormat(bytes);
  if (format === null) return answer(415, { error: 'expected a PNG, JPEG or WebP, got something else' });
  const damaged = answer(400, { error: `expected a whole ${format.toUpperCase()}, got a damaged one` });
  let head;
  try {
    head = imageInfo(bytes);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return damaged;
  }
  const error = reasonAgainst(head);
  if (error !== null) return answer(422, { error });
  let image;
  try {
    // sharp turns by EXIF only where it is told to.
    const decoded = sharp(bytes).autoOrient().removeAlpha().toColorspace('srgb');
    const { data, info } = await decoded.raw().toBuffer({ resolveWithObject: true });
    image = { data, width: info.width, height: info.height };
  } catch {
    return damaged;
  }
  return answer(200, { labels: await model.classify(image) });
}
