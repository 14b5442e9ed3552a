/** Encoded pictures to pixels, by what the browser has. */

/** Some browsers' canvases take no more pixels than this, or no longer side. */
const MOST_PIXELS = 4096 * 4096;
const LONGEST_SIDE = 16384;

/** A file of which the browser makes no picture. */
export class Undecodable extends Error {}

/**
 * A picture as `{ data, width, height }`, RGBA, upright. Scaling is left to the package, whose
 * answer is then the same in every browser; only what no canvas holds is made smaller here.
 *
 * @throws Undecodable
 */
export async function decode(blob) {
  // Photographs lie as the camera was held, and say in their EXIF how to turn them. Newer browsers
  // always heed it; older ones do when they are asked to.
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' }).catch(({ message }) => {
    throw new Undecodable(message);
  });
  try {
    const { width, height } = bitmap;
    const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)), LONGEST_SIDE / Math.max(width, height));
    const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * shrink)));
    // Read back at once: a canvas on the graphics card would only be in the way.
    const context = new OffscreenCanvas(w, h).getContext('2d', { willReadFrequently: true });
    // What is transparent becomes white, as on paper: the colors under it, which others keep, a canvas does not.
    context.fillStyle = 'white';
    context.fillRect(0, 0, w, h);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, w, h);
    return context.getImageData(0, 0, w, h);
  } finally {
    bitmap.close();
  }
}
