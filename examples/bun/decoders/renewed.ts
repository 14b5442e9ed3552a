/** A decoder in a memory of its own. It throws for an image that is damaged. */
export type Codec<Image> = (bytes: Uint8Array) => Image;

/** An image that could not be decoded to its end. */
export class Damaged extends Error {}

/**
 * Begins anew, in a memory of its own, after a damaged image, whose buffers a decoder would never free. After a large
 * one it keeps its memory, which never shrinks: to throw that away with each large image would leave more behind
 * than all decoders have, until V8 looks for garbage.
 *
 * Nothing is awaited: no other request can come between a decoder's beginning and its end.
 */
export function renewed<Image>(start: () => Codec<Image>): Codec<Image> {
  let kept: Codec<Image> | null = null;
  return (bytes) => {
    // That it does not start is not the image's fault.
    const codec = kept ?? start();
    kept = null;
    try {
      const image = codec(bytes);
      kept = codec;
      return image;
    } catch (cause) {
      // Neither is this: there was no memory.
      if (cause instanceof RangeError) throw cause;
      throw new Damaged('damaged', { cause });
    }
  };
}
