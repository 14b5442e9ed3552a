// The decoders return an ImageData, which not every runtime has.
class Image {
  data;
  width;
  height;

  constructor(data, width, height) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

if (!('ImageData' in globalThis)) Object.assign(globalThis, { ImageData: Image });

/**
 * Starts a decoder of JPEG or WebP: the WebAssembly of @jsquash with the JavaScript that Emscripten generates. jSquash's
 * own functions are not used, because they share one decoder. This is not a public interface, so package.json pins the
 * version.
 *
 * @param factory the default export of a `codec/dec/*.js`
 * @param options the parameters of its `decode` after the file
 */
export function emscripten(factory, module, ...options) {
  let warnings = [];
  let failure;
  const codec = {
    instantiateWasm(imports, done) {
      try {
        const instance = new WebAssembly.Instance(module, imports);
        done(instance);
        return instance.exports;
      } catch (error) {
        // If this threw, Emscripten would ignore the error and fetch the file.
        failure = error;
        return {};
      }
    },
    printErr(line) {
      warnings.push(line);
    },
  };
  factory(codec).catch(() => undefined);
  const { decode } = codec;
  if (decode === undefined) throw new Error('the decoder did not start', { cause: failure });

  return (bytes) => {
    warnings = [];
    const image = decode(bytes, ...options);
    if (warnings.some((line) => /memory/i.test(line))) throw new RangeError(warnings.join('\n'));
    // libjpeg fills missing parts with gray, and only prints a warning.
    if (image === null || warnings.length > 0) throw new Error(warnings.join('\n') || 'no image');
    return image;
  };
}
