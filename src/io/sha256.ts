import { show } from '../core/check.js';
import { ParamError, WeightsError } from '../core/errors.js';
import { sha256 } from '../vendor/sha2.js';

export const HASH_HINT = 'The file is damaged or another version: download it again, or pass the sha256 of this one.';

/** The SHA-256 of bytes in parts. */
export class Sha256 {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** In lower-case hexadecimal; no bytes can be added afterwards. */
  digest(): string {
    return Array.from(this.#hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

export function sha256Of(bytes: Uint8Array): string {
  const hash = new Sha256();
  hash.update(bytes);
  return hash.digest();
}

/** Whether a value is a SHA-256 in hexadecimal. */
export const isSha256 = (value: unknown): value is string => typeof value === 'string' && /^[\da-f]{64}$/i.test(value);

/** A SHA-256 in lower case. @throws ParamError */
export function checkSha256(value: unknown, op = 'sha256'): string {
  if (isSha256(value)) return value.toLowerCase();
  throw new ParamError({
    op,
    expected: '64 hexadecimal digits',
    got: show(value),
    hint: 'Print it by `sha256sum FILE` or `shasum -a 256 FILE`.',
  });
}

/** The same chunks; throws a WeightsError after the last if their SHA-256 differs. */
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
  if (got !== expected) throw new WeightsError({ op: name, expected: `sha256 ${expected}`, got, hint: HASH_HINT });
}
