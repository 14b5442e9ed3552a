/**
 * Compiles assembly/ into dist/wasm: the modules for inference and training, each plain and relaxed, for one thread and
 * for several threads, and the ops module for one thread. Next to each .wasm file it writes a .js file with the same
 * bytes in hexadecimal, which every runtime can import without fetching anything: gzip finds what the builds have in
 * common, which base64 hides. Runtimes that compile no bytes import the .wasm file as a module: see `builds` below.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import * as asc from 'assemblyscript/asc';
import { staleDescriptors } from './descriptors.js';
import { identityOf, stamp } from './identity.js';
import { docOf, ENTRIES, SINGLE, writeWasmTypes } from './wasmTypes.js';

const HEADER = '// Made by scripts/buildWasm.ts from assembly/.\n';
const identity = await identityOf('assembly');

const stale = await staleDescriptors();
if (stale.length > 0) {
  console.error(`build:wasm: ${stale.join(', ')} do not match assembly/. Run: npm run descriptors`);
  process.exit(1);
}

async function compile(entry: string, target: string, out: string): Promise<void> {
  // The compiler writes its diagnostics to stderr; `error` only says that there are some.
  const flags = ['--config', 'assembly/asconfig.json', '--target', target, '--outFile', `${out}.wasm`];
  const { error } = await asc.main([entry, ...flags], process);
  if (error !== null) {
    console.error(`build:wasm: ${error.message}`);
    process.exit(1);
  }
  const wasm = stamp(await readFile(`${out}.wasm`), identity);
  await writeFile(`${out}.wasm`, wasm);
  const bytes = `Uint8Array.from('${Buffer.from(wasm).toString('hex')}'.match(/../g), (hex) => parseInt(hex, 16))`;
  await writeFile(`${out}.js`, `${HEADER}${docOf(`${out}.wasm`)}export const bytes = ${bytes};\n`);
  console.log(`${out}.wasm: ${wasm.length} bytes, ${gzipSync(wasm, { level: 9 }).length} gzip`);
}

await writeWasmTypes();
for (const { prefix, entry, targets } of ENTRIES) {
  for (const target of targets) await compile(entry, target, `dist/wasm/${prefix}${target}`);
}

/**
 * The inference module for one thread, in the form that each runtime accepts: bytes if it compiles them; a compiled
 * module if it accepts only modules that were deployed with the program. On edge-light the relaxed build is empty: an
 * edge function with a module that fails to compile does not start, and some of these platforms run Node 20.
 */
const builds: Readonly<Record<string, string>> = {
  'builds.js': `export { bytes as plain } from './plain.js';\nexport { bytes as relaxed } from './relaxed.js';\n`,
  'builds.workerd.js': `import plain from './plain.wasm';\nimport relaxed from './relaxed.wasm';\nexport { plain, relaxed };\n`,
  'builds.edge-light.js': `import plain from './plain.wasm?module';\nexport { plain };\nexport { bytes as relaxed } from './none.js';\n`,
};

/**
 * The targets of 'vanillanet/plain.wasm?module' and 'vanillanet/relaxed.wasm?module', as edge functions import them:
 * webpack treats the query as a part of the export's name. A function whose platform has relaxed SIMD can pass the
 * relaxed module to vanillanet/core.
 */
const named = SINGLE.map((build) => [`${build}.module.js`, `export { default } from './${build}.wasm?module';\n`]);

for (const [name, text] of [...Object.entries(builds), ...named]) await writeFile(`dist/wasm/${name}`, HEADER + text);
// Takes the place of the modules with threads in runtimes without workers.
await writeFile('dist/wasm/none.js', `${HEADER}export const bytes = new Uint8Array(0);\n`);
await writeFile('dist/wasm/identity.js', `${HEADER}export const identity = '${identity}';\n`);
