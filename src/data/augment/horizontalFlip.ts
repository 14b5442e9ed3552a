import { emptyPlanes, type Planes } from './planes.js';

/** The image mirrored left to right. */
export function horizontalFlip(image: Planes): Planes {
  const { data: source, height, width } = image;
  const flipped = emptyPlanes(image, height, width);
  const { data } = flipped;
  for (let from = 0; from < source.length; from += width) {
    for (let x = 0, mirrored = from + width - 1; x < width; x++, mirrored--) data[from + x] = source[mirrored];
  }
  return flipped;
}
