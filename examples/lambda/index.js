/** A Lambda behind a function URL or API Gateway that classifies the image in the body. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { imageFormat, imageInfo, loadModel } from 'vanillanet';

const WEIGHTS = import.meta.resolve('vanillanet/models/vanillanet-cifar10.safetensors');
/** Larger images, by their header, are not decoded. */
const MAX_PIXELS = 40e6;
/** Scans of a progressive JPEG. Ordinary files have about ten, hostile ones thousands. */
const MAX_SCANS = 100;

// Loaded while the container starts, so every invocation finds the model ready. The start is billed, too.
const model = await loadModel(fileURLToPath(WEIGHTS));

const respond = (statusCode, body) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Why an image must not be decoded, by its header; null if it may be. */
function findProblem({ format, width, height, bitDepth, color, animated, scans }) {
  if (width * height > MAX_PIXELS) {
    return `expected at most ${MAX_PIXELS / 1e6} megapixels, got ${width} x ${height}`;
  }
  if (scans > MAX_SCANS) return `expected at most ${MAX_SCANS} scans, got ${scans}`;
  if (animated) return 'expected one picture, got an animation';
  if (color === 'cmyk') return 'expected RGB or gray, got CMYK';
  // Of 16 bits sharp takes the upper 8, as other decoders do for colors, but not for gray.
  const isDeep = bitDepth > 8 && (format !== 'png' || color === 'gray');
  return isDeep ? `expected samples of 8 bits, got ${bitDepth}` : null;
}

export async function handler({ body, isBase64Encoded }) {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'latin1');
  if (bytes.length === 0) return respond(400, { error: 'expected an image, got no bytes' });
  const format = imageFormat(bytes);
  if (format === null) return respond(415, { error: 'expected a PNG, JPEG or WebP, got something else' });
  const damaged = respond(400, { error: `expected a whole ${format.toUpperCase()}, got a damaged one` });
  let header;
  try {
    header = imageInfo(bytes);
  } catch (error) {
    if (error.name !== 'DataError') throw error;
    return damaged;
  }
  const error = findProblem(header);
  if (error !== null) return respond(422, { error });
  let image;
  try {
    // sharp applies EXIF's orientation only on request, and color profiles, which other decoders ignore, by default.
    const pipeline = sharp(bytes, { ignoreIcc: true }).autoOrient().removeAlpha().toColorspace('srgb');
    const { data, info } = await pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    image = { data, width: info.width, height: info.height };
  } catch {
    return damaged;
  }
  return respond(200, { labels: await model.classify(image) });
}
