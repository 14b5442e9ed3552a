import decode, { init } from '@jsquash/jpeg/decode.js';
import module from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import { renewed } from './renewed.js';

/** What @jsquash/jpeg takes; its types name the second alone. */
type Init = (module: WebAssembly.Module, options: { printErr(line: string): void }) => Promise<void>;

let warnings: string[] = [];

export const decodeJpeg = renewed({
  start: () =>
    (init as unknown as Init)(module, {
      printErr(line) {
        warnings.push(line);
      },
    }),
  async decode(bytes) {
    warnings = [];
    // Orientation is left alone, as with the other formats: `orient` has it for all.
    const image = await decode(bytes.buffer as ArrayBuffer);
    // libjpeg fills up with grey what is missing, and only says so.
    if (warnings.some((line) => /premature end/i.test(line))) throw new Error('truncated');
    return image;
  },
});
