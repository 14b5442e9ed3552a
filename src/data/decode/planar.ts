/** [h, w, 3], as decoders give images, and [3, h, w], as networks take them. */

/** Pixel by pixel into a place channel by channel. */
export function toPlanes(pixels: Uint8Array, planes: Uint8Array): void {
  const area = planes.length / 3;
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) planes[c * area + i] = pixels[3 * i + c];
  }
}

/** Channel by channel, as a copy pixel by pixel. */
export function toPixels(planes: Uint8Array): Uint8Array {
  const area = planes.length / 3;
  const pixels = new Uint8Array(planes.length);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * area + i];
  }
  return pixels;
}
