/** Checks of the tarball: its exports, their types, and what it installs. */
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
const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The output of a command that fails; null if it succeeds. */
async function failureOf(file: string, args: readonly string[], cwd: string): Promise<string | null> {
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

/** The errors of the compiler; null if there are none. */
async function compile(folder: string, args: readonly string[]): Promise<string | null> {
  const tsc = fromHere('../../node_modules/typescript/bin/tsc');
  const errors = await failureOf(tsc, ['--strict', '--noEmit', '--target', 'es2022', ...args], folder);
  return errors === null ? null : `${args.join(' ')}: ${errors}`;
}

/** A TypeScript program that imports every entry, except those left out. */
async function programOf(folder: string, without: readonly string[] = []): Promise<string> {
  const text = await readFile(join(folder, 'node_modules/vanillanet/package.json'), 'utf8');
  const { exports } = JSON.parse(text) as { readonly exports: Readonly<Record<string, unknown>> };
  // The models are files to read, not to import.
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

/** Each check returns why it fails, or null. */
export const PACKAGING: Readonly<Record<string, (consumer: Consumer) => Promise<Finding>>> = {
  async publint({ folder }) {
    const pkgDir = join(folder, 'node_modules/vanillanet');
    const { messages, pkg } = await publint({ pkgDir, strict: true });
    const lines = messages.map((message) => formatMessage(message, pkg, { color: false }));
    return lines.length === 0 ? null : lines.join('\n');
  },

  /** The package has at most three installed dependencies with 3 MB. */
  async light({ folder }) {
    const others = (await installedPackages(folder)).filter(({ name }) => name !== 'vanillanet');
    const bytes = others.reduce((sum, { bytes: size }) => sum + size, 0);
    const list = `${others.map(({ name }) => name).join(', ')}: ${bytes} bytes`;
    return others.length > 3 || bytes > 3e6 ? `expected at most 3 packages and 3 MB, got ${list}` : null;
  },

  // No CommonJS: Node 20 and later import ES modules from it. Internal errors are found by types-all; here, the only
  // one is that of node10, which ignores `exports` and finds the sources in reference/.
  attw: ({ folder, tarball }) =>
    failureOf(
      fromHere('node_modules/@arethetypeswrong/cli/dist/index.js'),
      [tarball, '--profile', 'esm-only', '--ignore-rules', 'internal-resolution-error'],
      folder,
    ),

  async types({ folder }) {
    await writeFile(join(folder, 'entries.mts'), await programOf(folder));
    // skipLibCheck, because the types of TensorFlow.js are not installed here.
    for (const how of [NODENEXT, BUNDLER]) {
      const errors = await compile(folder, ['--skipLibCheck', ...how, 'entries.mts']);
      if (errors !== null) return errors;
    }
    return null;
  },

  // Without skipLibCheck: checks every type, except those that need the types of TensorFlow.js.
  async 'types-all'({ folder }) {
    const browser = ['--lib', 'es2022,dom'];
    const node = ['--lib', 'es2022', '--types', 'node', '--typeRoots', fromHere('../../node_modules/@types')];
    for (const [where, what, without] of [
      ['browser', browser, ['./tfjs', './node']],
      ['node', node, ['./tfjs']],
    ] as const) {
      const file = `entries-${where}.mts`;
      await writeFile(join(folder, file), await programOf(folder, without));
      for (const how of [NODENEXT, BUNDLER]) {
        const errors = await compile(folder, [...what, ...how, file]);
        if (errors !== null) return errors;
      }
    }
    return null;
  },
};
