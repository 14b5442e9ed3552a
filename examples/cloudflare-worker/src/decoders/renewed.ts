import type { PixelImage } from 'vanillanet';

/** Pixels of an image file that is known to have so many. */
export type Decode = (bytes: Uint8Array, pixels: number) => Promise<PixelImage>;

/** Memory of WebAssembly never shrinks: a decoder that had a larger image than this is not kept. */
const KEPT_PIXELS = 2 ** 18;

interface Decoder {
  /** Begins anew, in a memory of its own. */
  start: () => unknown;
  decode: (bytes: Uint8Array) => PixelImage | Promise<PixelImage>;
}

/** A decoder that begins anew after a large image, and after a damaged one, whose buffers it would never free. */
export function renewed({ start, decode }: Decoder): Decode {
  let started = false;
  return async (bytes, pixels) => {
    if (!started) await start();
    started = false;
    try {
      const image = await decode(bytes);
      started = pixels <= KEPT_PIXELS;
      return image;
    } finally {
      // At once: until then the old memory is held.
      if (!started) await start();
      started = true;
    }
  };
}
