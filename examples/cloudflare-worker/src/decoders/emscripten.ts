import type { PixelImage } from 'vanillanet';

interface Overrides {
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): object;
  printErr(line: string): void;
  /** Put there once the WebAssembly is. */
  decode?: (bytes: Uint8Array, ...options: readonly boolean[]) => PixelImage | null;
}

// The decoders answer with it, and not every runtime has one.
class Image {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

if (!('ImageData' in globalThis)) Object.assign(globalThis, { ImageData: Image });

/**
 * JPEG and WebP, by the WebAssembly of @jsquash with what Emscripten puts around it, but without jSquash's own
 * functions, which all share one decoder. What is used here is no public interface: package.json names one version.
 *
 * @param factory the default export of a `codec/dec/*.js`
 * @param options what its `decode` takes behind the file
 */
export function emscripten(
  factory: unknown,
  module: WebAssembly.Module,
  ...options: readonly boolean[]
): (bytes: Uint8Array) => PixelImage {
  let warnings: string[] = [];
  let failure: unknown;
  const codec: Overrides = {
    instantiateWasm(imports, done) {
      try {
        const instance = new WebAssembly.Instance(module, imports);
        done(instance);
        return instance.exports;
      } catch (error) {
        // Thrown from here, it would be passed over, and the file fetched instead.
        failure = error;
        return {};
      }
    },
    printErr(line) {
      warnings.push(line);
    },
  };
  (factory as (codec: Overrides) => Promise<unknown>)(codec).catch(() => undefined);
  const { decode } = codec;
  if (decode === undefined) throw new Error('the decoder did not start', { cause: failure });

  return (bytes) => {
    warnings = [];
    const image = decode(bytes, ...options);
    if (warnings.some((line) => /memory/i.test(line))) throw new RangeError(warnings.join('\n'));
    // libjpeg fills up with gray what it cannot read, and only says so.
    if (image === null || warnings.length > 0) throw new Error(warnings.join('\n') || 'no image');
    return image;
  };
}
