// The decoders answer with it, and not every runtime has one.
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
 * JPEG and WebP, by the WebAssembly of @jsquash with what Emscripten puts around it, but without jSquash's own
 * functions, which all share one decoder. What is used here is no public interface: package.json names one version.
 *
 * @param factory the default export of a `codec/dec/*.js`
 * @param options what its `decode` takes behind the file
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
        // Thrown from here, it would be passed over, and the file fetched instead.
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
    // libjpeg fills up with gray what it cannot read, and only says so.
    if (image === null || warnings.length > 0) throw new Error(warnings.join('\n') || 'no image');
    return image;
  };
}
