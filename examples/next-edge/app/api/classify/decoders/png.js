import { piecesOf } from './pngChunks.js';

function fail() {
  throw new Error('no image');
}

/**
 * PNG, by the WebAssembly of @jsquash/png without its JavaScript, which keeps one instance for good: each
 * damaged image leaves its buffers there (fifty truncated ones of 451 x 300 pixels left 41 MB), and nothing
 * else can free them. What is used here is no public interface: package.json names one version.
 */
export function png(module) {
  let image = null;

  /** Called with the pixels, RGBA of 8 bits. */
  function take(at, length, width, height) {
    image = { data: new Uint8Array(codec.memory.buffer, at, length).slice(), width, height };
    codec.__wbindgen_free(at, length, 1);
    return 0;
  }

  /** Names end with a hash of the version. What decoding 8 bits does not need is not there. */
  function importOf(name) {
    return name.startsWith('__wbg_newwithownedu8clampedarrayandsh_') ? take : fail;
  }

  const wbg = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, importOf(name)]));
  const codec = new WebAssembly.Instance(module, { wbg }).exports;

  return (bytes) => {
    let length = 0;
    for (const piece of piecesOf(bytes)) length += piece.length;
    const begin = codec.__wbindgen_malloc(length, 1);
    const file = new Uint8Array(codec.memory.buffer, begin, length);
    let at = 0;
    for (const piece of piecesOf(bytes)) {
      file.set(piece, at);
      at += piece.length;
    }
    codec.decode(begin, length);
    const decoded = image ?? fail();
    image = null;
    return decoded;
  };
}
