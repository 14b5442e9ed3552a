/** The archive itself: what it exports, and the types of that. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { installedPackages } from '../../scripts/installedPackages.js';
import type { Consumer } from './consumer.js';
import type { Finding } from './report.js';

const run = promisify(execFile);
const installed = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What a command says where it fails; null where it does not. */
async function complaint(file: string, args: readonly string[], cwd: string): Promise<string | null> {
  try {
    await run(process.execPath, [file, ...args], { cwd });
    return null;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return `${stdout ?? ''}${stderr ?? String(error)}`;
  }
}

const NODENEXT = ['--module', 'nodenext'];
const BUNDLER = ['--module', 'esnext', '--moduleResolution', 'bundler'];

/** What the compiler says; null where it says nothing. */
async function compiled(folder: string, args: readonly string[]): Promise<string | null> {
  const tsc = installed('../../node_modules/typescript/bin/tsc');
  const said = await complaint(tsc, ['--strict', '--noEmit', '--target', 'es2022', ...args], folder);
  return said === null ? null : `${args.join(' ')}: ${said}`;
}

/** Every entry once, but those left out, as a program in TypeScript imports it. */
async function programOf(folder: string, without: readonly string[] = []): Promise<string> {
  const text = await readFile(join(folder, 'node_modules/vanillanet/package.json'), 'utf8');
  const { exports } = JSON.parse(text) as { readonly exports: Readonly<Record<string, unknown>> };
  // The weights are files, to be read and not imported.
  const entries = Object.keys(exports).filter(
    (entry) => entry !== './package.json' && !entry.includes('*') && !without.includes(entry),
  );
  return entries
    .map((entry, i) => {
      const name = entry.replace('.', 'vanillanet');
      return /\.wasm(\?module)?$/.test(entry) ? `import e${i} from '${name}';` : `import * as e${i} from '${name}';`;
    })
    .concat(`const entries: object[] = [${entries.map((_, i) => `e${i}`).join(', ')}];`, 'void entries;')
    .join('\n');
}

/** Each: why it does not hold, or null. */
export const PACKAGING: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  async publint({ folder }) {
    const pkgDir = join(folder, 'node_modules/vanillanet');
    const { messages, pkg } = await publint({ pkgDir, strict: true });
    const lines = messages.map((message) => formatMessage(message, pkg, { color: false }));
    return lines.length === 0 ? null : lines.join('\n');
  },

  /** At most three packages and 3 MB are installed with it. */
  async light({ folder }) {
    const others = (await installedPackages(folder)).filter(({ name }) => name !== 'vanillanet');
    const bytes = others.reduce((sum, { bytes: size }) => sum + size, 0);
    const list = `${others.map(({ name }) => name).join(', ')}: ${bytes} bytes`;
    return others.length > 3 || bytes > 3e6 ? `expected at most 3 packages and 3 MB, got ${list}` : null;
  },

  // No CommonJS: Node 20 and later import ES modules from it. Internal errors are found by types-all; here, the only
  // one is that of node10, which ignores `exports` and finds the sources in reference/.
  attw: ({ folder, tarball }) =>
    complaint(
      installed('node_modules/@arethetypeswrong/cli/dist/index.js'),
      [tarball, '--profile', 'esm-only', '--ignore-rules', 'internal-resolution-error'],
      folder,
    ),

  async types({ folder }) {
    await writeFile(join(folder, 'entries.mts'), await programOf(folder));
    // TensorFlow.js is the user's: its types are where they are installed.
    for (const how of [NODENEXT, BUNDLER]) {
      const said = await compiled(folder, ['--skipLibCheck', ...how, 'entries.mts']);
      if (said !== null) return said;
    }
    return null;
  },

  // Every type that is shipped, and not only what a program touches; but for those that name the user's TensorFlow.js.
  async 'types-all'({ folder }) {
    const browser = ['--lib', 'es2022,dom'];
    const node = ['--lib', 'es2022', '--types', 'node', '--typeRoots', installed('../../node_modules/@types')];
    for (const [where, what, without] of [
      ['browser', browser, ['./tfjs', './node']],
      ['node', node, ['./tfjs']],
    ] as const) {
      const file = `entries-${where}.mts`;
      await writeFile(join(folder, file), await programOf(folder, without));
      for (const how of [NODENEXT, BUNDLER]) {
        const said = await compiled(folder, [...what, ...how, file]);
        if (said !== null) return said;
      }
    }
    return null;
  },
};
