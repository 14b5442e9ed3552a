/** A picture before the network sees it. */
import { Refusal } from './refusal.js';

const MOST_MEGAPIXELS = 100;

/**
 * The picture as an `<img>`. The browser looks at no more than its beginning for that, so one that
 * would fill the memory is refused before it is decoded.
 *
 * @throws Refusal
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
  if (megapixels > MOST_MEGAPIXELS) {
    throw new Refusal(
      `${name} has ${Math.round(megapixels)} million pixels. Up to ${MOST_MEGAPIXELS} million are fine: ` +
        'a smaller copy will do, the network sees little of them anyway.',
    );
  }
  return image;
}

export const unreadable = (name) =>
  new Refusal(`${name} is no picture that this browser can read. JPEG, PNG and WebP work everywhere.`);

/** The middle of a picture, as small as the network sees it, of which it is the share `crop` of a side. */
export function drawSmall(image, canvas, { size: [height, width], crop }) {
  const { naturalWidth: w, naturalHeight: h } = image;
  const scale = crop * Math.min(w / width, h / height);
  const [sw, sh] = [width * scale, height * scale];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, (w - sw) / 2, (h - sh) / 2, sw, sh, 0, 0, width, height);
}
