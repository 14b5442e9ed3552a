import type { ByteStream } from './readStream.js';

/** The parts of a `Response` that are used. */
export interface ResponseLike {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  readonly body: ByteStream | null;
  readonly headers?: { get(name: string): string | null };
}

/**
 * Where a weight file is: its bytes; a path or URL; a `Response`; a `Blob` or `File`; an object with a body,
 * such as an object of R2; a stream or another async iterable of bytes.
 */
export type WeightsSource =
  | Uint8Array
  | ArrayBuffer
  | string
  | { readonly href: string }
  | ResponseLike
  | { stream(): ByteStream }
  | { readonly body: ByteStream }
  | ByteStream
  | AsyncIterable<Uint8Array>;
