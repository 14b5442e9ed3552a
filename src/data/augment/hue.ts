import { emptyPlanes, type Planes } from './planes.js';

const { fround } = Math;

/** Hue of a color that is not gray, 0..255 for one turn: Pillow's `convert('HSV')`, in float32. */
function hueOf(r: number, g: number, b: number, most: number, span: number): number {
  const [rc, gc, bc] = [fround((most - r) / span), fround((most - g) / span), fround((most - b) / span)];
  const sixths = fround(r === most ? bc - gc : g === most ? 2 + rc - bc : 4 + gc - rc);
  const turns = fround((sixths / 6 + 1) % 1);
  return Math.trunc(turns * 255);
}

/**
 * Rotates the hue, as torchvision does on Pillow's 8-bit HSV: by trunc(255·turns), modulo 256.
 *
 * @param turns in [-0.5, 0.5]
 */
export function hue(image: Planes, turns: number): Planes {
  const { data, height, width } = image;
  const area = height * width;
  const rotation = Math.trunc(turns * 255);
  const out = emptyPlanes(image, height, width);
  for (let i = 0; i < area; i++) {
    const [r, g, b] = [data[i], data[area + i], data[2 * area + i]];
    const most = Math.max(r, g, b);
    const span = most - Math.min(r, g, b);
    const s = span === 0 ? 0 : Math.trunc(fround(span / most) * 255);
    let [red, green, blue] = [most, most, most];
    if (s > 0) {
      const h = (hueOf(r, g, b, most, span) + rotation) & 255;
      const sixths = fround((h * 6) / 255);
      const sector = Math.floor(sixths);
      const f = fround(sixths - sector);
      const share = fround(s / 255);
      const p = Math.floor(fround(most * (1 - share)) + 0.5);
      const q = Math.floor(fround(most * (1 - share * f)) + 0.5);
      const t = Math.floor(fround(most * (1 - share * (1 - f))) + 0.5);
      const sectors = [
        [most, t, p],
        [q, most, p],
        [p, most, t],
        [p, q, most],
        [t, p, most],
        [most, p, q],
      ];
      [red, green, blue] = sectors[sector % 6];
    }
    out.data[i] = red;
    out.data[area + i] = green;
    out.data[2 * area + i] = blue;
  }
  return out;
}
