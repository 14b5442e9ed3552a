/** Grayscale, as Pillow's `convert('L')` and torchvision's `Grayscale`. */

/** ITU-R 601 luma in fixed point with 16 fractional bits. */
export const luma = (r: number, g: number, b: number): number => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

/** The luma of an image [3, h, w]. @param area h·w */
export function lumaPlane(data: Uint8Array, area: number): Uint8Array {
  const gray = new Uint8Array(area);
  for (let i = 0; i < area; i++) gray[i] = luma(data[i], data[area + i], data[2 * area + i]);
  return gray;
}

/** Callers without types may pass anything, which is refused later. */
const isSingle = (list: readonly number[] | null | undefined): boolean => list?.length === 1;

/** Whether images of 3 channels are converted for a network: it has a single mean and deviation. */
export const isGrayscale = (channels: number, mean: readonly number[], std: readonly number[]): boolean =>
  channels === 3 && isSingle(mean) && isSingle(std);
