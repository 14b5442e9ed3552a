import type { PixelImage } from 'vanillanet';
import { piecesOf } from './pngChunks.ts';

type Exports = {
  readonly memory: WebAssembly.Memory;
  decode(at: number, length: number): unknown;
  __wbindgen_malloc(length: number, align: number): number;
  __wbindgen_free(at: number, length: number, align: number): void;
};

function fail(): never {
  throw new Error('no image');
}

/**
 * Starts a decoder of PNG: the WebAssembly of @jsquash/png without its JavaScript, which keeps one instance forever. Each
 * damaged image leaves its buffers in the instance (fifty truncated ones of 451 x 300 pixels left 41 MB), and nothing can
 * free them. This is not a public interface, so package.json pins the version.
 */
export function png(module: WebAssembly.Module): (bytes: Uint8Array) => PixelImage {
  let image: PixelImage | null = null;

  /** The decoder calls it with the pixels, 8-bit RGBA. */
  function take(at: number, length: number, width: number, height: number): number {
    image = { data: new Uint8Array(codec.memory.buffer, at, length).slice(), width, height };
    codec.__wbindgen_free(at, length, 1);
    return 0;
  }

  /** The names of the imports end with a hash. 8-bit images need only one of them. */
  function importOf(name: string): (...numbers: number[]) => number {
    return name.startsWith('__wbg_newwithownedu8clampedarrayandsh_') ? take : fail;
  }

  const wbg = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, importOf(name)]));
  const codec = new WebAssembly.Instance(module, { wbg }).exports as Exports;

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
    const result = image ?? fail();
    image = null;
    return result;
  };
}
