/** Builds dist/: AssemblyScript's and TypeScript's compilers run at the same time, then both bundles are made. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeWasmTypes } from './wasmTypes.js';

await writeWasmTypes();
const compiler = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
await Promise.all([once(compiler, 'exit'), import('./buildWasm.js')]);
if (compiler.exitCode !== 0) process.exit(1);
await import('./removeStale.js');
// One after the other: the first writes dist/src/vendor, which the second reads.
await import('./buildNode.js');
await import('./buildBrowser.js');
