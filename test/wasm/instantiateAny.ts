import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instantiate } from '@assemblyscript/loader';
import * as asc from 'assemblyscript/asc';

/** Compiles AssemblyScript at the root of the repository, and instantiates it. @returns its functions */
export async function instantiateAny(source: string): Promise<Readonly<Record<string, () => number>>> {
  const outputs = new Map<string, string | Uint8Array>();
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    ['entry.ts', '--outFile', 'entry.wasm', '--runtime', 'stub', '--enable', 'simd', '--optimizeLevel', '0'],
    {
      stderr,
      readFile: (name, base) => (name === 'entry.ts' ? source : readFile(join(base, name), 'utf8').catch(() => null)),
      writeFile: (name, contents) => {
        outputs.set(name, contents);
      },
      listFiles: () => [],
    },
  );
  const wasm = outputs.get('entry.wasm');
  if (error !== null || !(wasm instanceof Uint8Array)) throw new Error(stderr.toString());
  return (await instantiate<Record<string, () => number>>(wasm)).exports;
}
