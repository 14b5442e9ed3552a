/** Converts between pixels [h, w, 3], the layout of decoders, and planes [3, h, w], the layout of networks. */

/** Writes pixels [h, w, 3] into planes [3, h, w]. */
export function toPlanes(pixels: Uint8Array, planes: Uint8Array): void {
  const area = planes.length / 3;
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) planes[c * area + i] = pixels[3 * i + c];
  }
}

/** A copy of planes [3, h, w] as pixels [h, w, 3]. */
export function toPixels(planes: Uint8Array): Uint8Array {
  const area = planes.length / 3;
  const pixels = new Uint8Array(planes.length);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * area + i];
  }
  return pixels;
}
