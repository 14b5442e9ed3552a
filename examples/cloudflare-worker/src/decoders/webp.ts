import decode, { init } from '@jsquash/webp/decode.js';
import module from '@jsquash/webp/codec/dec/webp_dec.wasm';
import { renewed } from './renewed.js';

/** What @jsquash/webp takes; its types do not name it. */
type Init = (module: WebAssembly.Module) => Promise<void>;

export const decodeWebp = renewed({
  start: () => (init as unknown as Init)(module),
  decode: (bytes) => decode(bytes.buffer as ArrayBuffer),
});
