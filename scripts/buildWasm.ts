/**
 * Compiles assembly/ into dist/wasm: for inference and for training, each plain and
 * relaxed, for one thread and for several; beside each a .js with the same bytes inlined
 * as base64, which every runtime can import and none has to fetch. Runtimes that compile
 * nothing themselves import the .wasm as a module: see `builds` below.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import * as asc from 'assemblyscript/asc';
import { identityOf, stamped } from './identity.js';

/** Entries of assembly/, by the prefix of their modules. */
const ENTRIES = { '': 'assembly/inference/index.ts', 'train-': 'assembly/training/index.ts' };
const TARGETS = ['plain', 'relaxed', 'plain-threads', 'relaxed-threads'];

const modules = Object.entries(ENTRIES).flatMap(([prefix, entry]) =>
  TARGETS.map((target) => ({ entry, target, out: `dist/wasm/${prefix}${target}` })),
);
const identity = await identityOf('assembly');
const made = '// Made by scripts/buildWasm.ts from assembly/.\n';

for (const { entry, target, out } of modules) {
  // The compiler writes what is wrong to stderr; `error` only says that something is.
  const flags = ['--config', 'assembly/asconfig.json', '--target', target, '--outFile', `${out}.wasm`];
  const { error } = await asc.main([entry, ...flags], process);
  if (error !== null) {
    console.error(`build:wasm: ${error.message}`);
    process.exit(1);
  }

  const wasm = stamped(await readFile(`${out}.wasm`), identity);
  await writeFile(`${out}.wasm`, wasm);
  const doc = `/** The module ${out}.wasm. */\n`;
  const bytes = `Uint8Array.from(atob('${Buffer.from(wasm).toString('base64')}'), (c) => c.charCodeAt(0))`;
  await writeFile(`${out}.js`, `${made}${doc}export const bytes = ${bytes};\n`);
  await writeFile(`${out}.d.ts`, `${doc}export declare const bytes: Uint8Array;\n`);
  console.log(`${out}.wasm: ${wasm.length} bytes, ${gzipSync(wasm, { level: 9 }).length} gzip`);
}

/**
 * The builds for one thread, each as what its runtime can run: bytes where it compiles
 * them, a module where only what was deployed with the program is compiled. Of an edge
 * function a module that does not compile is the end, and Node 20 runs them, too: plain only.
 */
const builds: Readonly<Record<string, string>> = {
  'builds.js': `export { bytes as plain } from './plain.js';\nexport { bytes as relaxed } from './relaxed.js';\n`,
  'builds.workerd.js': `import plain from './plain.wasm';\nimport relaxed from './relaxed.wasm';\nexport { plain, relaxed };\n`,
  'builds.edge-light.js': `import plain from './plain.wasm?module';\nexport { plain };\nexport { bytes as relaxed } from './none.js';\n`,
};

/**
 * What 'vanillanet/plain.wasm?module' is, as edge functions import it: to webpack, the query is a part of an export's
 * name. relaxed is there, too: who knows that his platform runs it may take it, with vanillanet/core.
 */
const named = ['plain', 'relaxed'].map((build) => [
  `${build}.module.js`,
  `export { default } from './${build}.wasm?module';\n`,
]);

for (const [name, text] of [...Object.entries(builds), ...named]) await writeFile(`dist/wasm/${name}`, made + text);
await writeFile(
  'dist/wasm/builds.d.ts',
  '/** Bytes, or the compiled module. */\nexport declare const plain: Uint8Array | object;\nexport declare const relaxed: Uint8Array | object;\n',
);
// Where there are no workers, nothing is to be carried for them.
await writeFile('dist/wasm/none.js', `${made}export const bytes = new Uint8Array(0);\n`);
await writeFile(
  'dist/wasm/module.d.ts',
  '/** A `WebAssembly.Module`. */\ndeclare const module: object;\nexport default module;\n',
);
await writeFile('dist/wasm/identity.js', `${made}export const identity = '${identity}';\n`);
await writeFile(
  'dist/wasm/identity.d.ts',
  '/** What every module that this package can run is stamped with. */\nexport declare const identity: string;\n',
);
