/**
 * Compiles a bundle once, as a function: each call runs its modules afresh, and what they leave can be collected.
 * The module system of Node would keep every copy for ever.
 */
import { readFile } from 'node:fs/promises';
import { compileFunction, constants } from 'node:vm';
import type { Suite } from './suite.js';

/** Statements as esbuild writes them, one a line. */
const IMPORT = /^import (?:(?<all>\* as \w+)|(?<first>\w+)?(?:, )?(?<names>\{[^}]*\})?) from (?<from>"[^"]+");$/gm;
const BARE_IMPORT = /^import ("[^"]+");$/gm;
const EXPORT = /^export \{\n {2}suite\n\};$/m;

export async function loadBundle(path: string): Promise<() => Promise<Suite>> {
  const source = await readFile(path, 'utf8');
  const body = source
    .replace(IMPORT, (_statement, all?: string, first?: string, names?: string, from = '') => {
      if (all !== undefined) return `const ${all.replace('* as ', '')} = await import(${from});`;
      const fields = (names ?? '{}').replace(/^\{|\}$/g, '').replace(/ as /g, ': ');
      const defaults = first === undefined ? '' : `default: ${first}, `;
      return `const { ${defaults}${fields} } = await import(${from});`;
    })
    .replace(BARE_IMPORT, 'await import($1);')
    .replace(EXPORT, 'return suite;');
  const code = `return (async () => { ${body}\n})();`;
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return compileFunction(code, [], { filename: path, importModuleDynamically }) as () => Promise<Suite>;
}
