/** Decodes pictures with the browser's decoders. */

/** The limits of canvases in some browsers. */
const MOST_PIXELS = 4096 * 4096;
const LONGEST_SIDE = 16384;

/** The browser cannot decode the file. */
export class DecodeError extends Error {
  name = 'DecodeError';
}

/**
 * Decodes a picture to `{ data, width, height }`, RGBA, upright. The package scales it, so the answer is the same in every
 * browser. Only pictures that exceed the limits of canvases are scaled down here.
 *
 * @throws DecodeError
 */
export async function decode(blob) {
  // Applies the EXIF orientation. Newer browsers always do, older ones only with this option.
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' }).catch(({ message }) => {
    throw new DecodeError(message);
  });
  try {
    const { width, height } = bitmap;
    const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)), LONGEST_SIDE / Math.max(width, height));
    const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * shrink)));
    // The pixels are read back, so the canvas should be in main memory and not on the GPU.
    const context = new OffscreenCanvas(w, h).getContext('2d', { willReadFrequently: true });
    // Transparent parts become white: a canvas does not keep the colors under them.
    context.fillStyle = 'white';
    context.fillRect(0, 0, w, h);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, w, h);
    return context.getImageData(0, 0, w, h);
  } finally {
    bitmap.close();
  }
}
