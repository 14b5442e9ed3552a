/** What tells a module that fits this package's JavaScript from one of another version. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECTION } from '../src/wasm/module.js';

/** The package's version, and a digest of the sources: those of one version may differ while it is worked on. */
export async function identityOf(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.(ts|json)$/.test(name)).sort();
  const digest = createHash('sha256');
  for (const name of names) digest.update(name).update(await readFile(join(folder, name)));
  return `${version}+${digest.digest('hex').slice(0, 8)}`;
}

/** Sizes of sections: seven bits a byte, the least significant first. */
function leb128(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...leb128(Math.floor(value / 128))];
}

/** The module with a section of its own behind it, which engines leave alone and JavaScript can read. */
export function stamped(wasm: Uint8Array, identity: string): Uint8Array {
  const text = new TextEncoder();
  const name = text.encode(SECTION);
  const content = [...leb128(name.length), ...name, ...text.encode(identity)];
  return Uint8Array.from([...wasm, 0, ...leb128(content.length), ...content]);
}
