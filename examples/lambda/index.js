/** A Lambda behind a function URL or API Gateway: POST a photograph, get labels. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { loadModel } from 'vanillanet';

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
  if (bytes.length === 0) return answer(400, { error: 'expected an image in the body, got none' });
  let image;
  try {
    // sharp turns by EXIF only where it is told to.
    const decoded = sharp(bytes, { limitInputPixels: MOST_PIXELS }).autoOrient().removeAlpha().toColourspace('srgb');
    const { data, info } = await decoded.raw().toBuffer({ resolveWithObject: true });
    image = { data, width: info.width, height: info.height };
  } catch {
    return answer(415, { error: 'expected an image of a format that sharp reads, and of at most 40 megapixels' });
  }
  return answer(200, { labels: await model.classify(image, { topK: 5 }) });
}
