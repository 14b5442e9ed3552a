/** A Lambda behind a function URL or API Gateway: POST a photograph, get labels. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { imageInfo, loadModel } from 'vanillanet';

const WEIGHTS = import.meta.resolve('vanillanet/models/vanillanet-cifar10.safetensors');
/** Larger images are refused by their head, before anything is decoded. */
const MOST_PIXELS = 40e6;

// While the container starts, which Lambda does not count: every invocation finds the model ready.
const model = await loadModel(fileURLToPath(WEIGHTS));

const answer = (statusCode, body) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export async function handler({ body, isBase64Encoded }) {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'latin1');
  if (bytes.length === 0) return answer(400, { error: 'expected an image, got no bytes' });
  let head;
  try {
    head = imageInfo(bytes);
  } catch {
    return answer(415, { error: 'expected a PNG, JPEG or WebP, got something else' });
  }
  const { format, width, height } = head;
  if (width * height > MOST_PIXELS) {
    const error = `expected at most ${MOST_PIXELS / 1e6} megapixels, got ${width} x ${height}`;
    return answer(422, { error });
  }
  let image;
  try {
    // sharp turns by EXIF only where it is told to.
    const decoded = sharp(bytes).autoOrient().removeAlpha().toColourspace('srgb');
    const { data, info } = await decoded.raw().toBuffer({ resolveWithObject: true });
    image = { data, width: info.width, height: info.height };
  } catch {
    return answer(400, { error: `expected a whole ${format.toUpperCase()}, got a damaged one` });
  }
  return answer(200, { labels: await model.classify(image) });
}
