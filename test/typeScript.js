/** Strips the types of a module for jest. `npm run typecheck` checks them, once for all files. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { transform, version } from 'esbuild';

/**
 * Put before each module: jest runs modules in a context where a look-up of a global costs more than the
 * arithmetic around it. This makes locals of the two globals that inner loops use.
 */
export const BANNER = 'const { Math, Number } = globalThis;';

const OWN_SOURCE = readFileSync(new URL(import.meta.url));

export default {
  processAsync: (source, path) =>
    transform(source, {
      loader: 'ts',
      format: 'esm',
      target: 'es2022',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      banner: BANNER,
      sourcefile: path,
      sourcemap: 'inline',
    }),
  getCacheKey: (source, path) =>
    createHash('sha256').update(version).update(OWN_SOURCE).update(path).update('\0').update(source).digest('hex'),
};
