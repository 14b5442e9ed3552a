/** The identity of the package's modules: distinguishes them from the modules of other versions. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECTION } from '../src/wasm/module.js';

/** The package's version and a digest of the sources, because they change between releases. */
export async function identityOf(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };
  const names = (await readdir(folder, { recursive: true }))
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.(ts|json)$/.test(name))
    .sort();
  const digest = createHash('sha256');
  for (const name of names) {
    // A checkout on Windows may have CRLF.
    digest.update(name).update((await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n'));
  }
  return `${version}+${digest.digest('hex').slice(0, 8)}`;
}

/** LEB128, the encoding of section sizes: seven bits a byte, the least significant first. */
function leb128(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...leb128(Math.floor(value / 128))];
}

/** Appends a custom section with the identity. Engines ignore it; JavaScript can read it. */
export function stamp(wasm: Uint8Array, identity: string): Uint8Array {
  const encoder = new TextEncoder();
  const name = encoder.encode(SECTION);
  const content = [...leb128(name.length), ...name, ...encoder.encode(identity)];
  return Uint8Array.from([...wasm, 0, ...leb128(content.length), ...content]);
}
