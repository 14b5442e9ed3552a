/** A decoder in a memory of its own. It throws for an image that is damaged. */
export type Codec<Image> = (bytes: Uint8Array) => Image;

/** An image that could not be decoded to its end. */
export class Damaged extends Error {}

/** Memory of WebAssembly never shrinks: a decoder that had a larger image than this is not kept. */
const KEPT_PIXELS = 2 ** 18;

/**
 * Decodes files that are known to have so many pixels. After a large image a decoder begins anew in a memory of
 * its own, and after a damaged one, whose buffers it would never free.
 *
 * Nothing is awaited: no other request can come between a decoder's beginning and its end.
 */
export function renewed<Image>(start: () => Codec<Image>): (bytes: Uint8Array, pixels: number) => Image {
  let kept: Codec<Image> | null = null;
  return (bytes, pixels) => {
    // That it does not start is not the image's fault.
    const codec = kept ?? start();
    kept = null;
    try {
      const image = codec(bytes);
      if (pixels <= KEPT_PIXELS) kept = codec;
      return image;
    } catch (cause) {
      // Neither is this: there was no memory.
      if (cause instanceof RangeError) throw cause;
      throw new Damaged('damaged', { cause });
    }
  };
}
