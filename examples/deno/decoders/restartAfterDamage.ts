/** A decoder with its own memory. It throws if the image is damaged. */
export type Codec<Image> = (bytes: Uint8Array) => Image;

/** An image could not be decoded completely. */
export class DamagedImageError extends Error {}

/**
 * Replaces a decoder after a damaged image by a new one with new memory, because it never frees that image's buffers.
 * After a large image the decoder and its memory, which never shrinks, are kept: discarding it each time would leave
 * more garbage than all decoders hold, until V8 collects it.
 *
 * Everything is synchronous, so requests cannot interleave within a decoder.
 */
export function restartAfterDamage<Image>(start: () => Codec<Image>): Codec<Image> {
  let current: Codec<Image> | null = null;
  return (bytes) => {
    // Not in `try`: an error here is not the image's fault.
    const codec = current ?? start();
    current = null;
    try {
      const image = codec(bytes);
      current = codec;
      return image;
    } catch (cause) {
      // Out of memory: not the image's fault either.
      if (cause instanceof RangeError) throw cause;
      throw new DamagedImageError('damaged', { cause });
    }
  };
}
