import { ParamError, WeightsError } from '../core/errors.js';
import { sha256 } from '../vendor/sha2.js';

/** A SHA-256 of bytes that come in parts. */
export class Sha256 {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** In hexadecimal, of lower case; nothing can be added then. */
  digest(): string {
    return Array.from(this.#hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

export function sha256Of(bytes: Uint8Array): string {
  const hash = new Sha256();
  hash.update(bytes);
  return hash.digest();
}

/** Whether something is a SHA-256 as people write it. */
export const isSha256 = (value: unknown): value is string => typeof value === 'string' && /^[\da-f]{64}$/i.test(value);

/** @throws ParamError for what is none */
export function checkSha256(value: unknown, op = 'sha256'): string {
  if (isSha256(value)) return value.toLowerCase();
  throw new ParamError({
    op,
    expected: '64 hexadecimal digits',
    got: typeof value === 'string' ? value : typeof value,
  });
}

/** The same chunks, of which the last is followed by a WeightsError where they were not those of the hash. */
export async function* verifySha256(
  chunks: AsyncIterable<Uint8Array>,
  expected: string,
  name: string,
): AsyncGenerator<Uint8Array> {
  const hash = new Sha256();
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const got = hash.digest();
  if (got !== expected) throw new WeightsError({ op: name, expected: `sha256 ${expected}`, got });
}
