/** Checks and draws a picture before it is classified. */
import { UserError } from './userError.js';

const MAX_MEGAPIXELS = 100;

/**
 * Loads the picture as an `<img>`. The browser reads only its header for that, so a picture that would fill the memory is
 * refused before it is decoded.
 *
 * @throws UserError
 */
export async function openPicture(blob, name) {
  const image = new Image();
  image.alt = name;
  const url = URL.createObjectURL(blob);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = url;
    });
  } catch {
    throw unreadable(name);
  } finally {
    URL.revokeObjectURL(url);
  }
  const megapixels = (image.naturalWidth * image.naturalHeight) / 1e6;
  if (megapixels > MAX_MEGAPIXELS) {
    throw new UserError(
      `${name} has ${Math.round(megapixels)} million pixels. Up to ${MAX_MEGAPIXELS} million are fine: ` +
        'use a smaller copy, which is enough for the network.',
    );
  }
  return image;
}

export const unreadable = (name) =>
  new UserError(`${name} is not a picture that this browser can read. JPEG, PNG and WebP work everywhere.`);

/** Draws what the network sees: the center crop, scaled down. `crop` is its share of the shorter side. */
export function drawSmall(image, canvas, { size: [height, width], crop }) {
  const { naturalWidth: w, naturalHeight: h } = image;
  const scale = crop * Math.min(w / width, h / height);
  const [sw, sh] = [width * scale, height * scale];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, (w - sw) / 2, (h - sh) / 2, sw, sh, 0, 0, width, height);
}
