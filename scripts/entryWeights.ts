/** What each entry of the package weighs, in a folder that resolves the name `vanillanet`. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type BuildOptions } from 'esbuild';

export interface EntryWeight {
  readonly entry: string;
  /** Files that an import loads in Node, without what they import only on use, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Bytes of gzip of a bundle of all exports; null for an entry that runs in Node alone. */
  readonly browser: number | null;
  readonly workerd: number | null;
}

type Exports = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** The entries that are modules in JavaScript: without files such as `vanillanet/plain.wasm`. */
async function readEntries(packageFile: string): Promise<{ entry: string; portable: boolean }[]> {
  const { exports } = JSON.parse(await readFile(packageFile, 'utf8')) as { readonly exports: Exports };
  return Object.entries(exports)
    .filter(([path]) => /^\.(\/[a-z]+)?$/.test(path))
    .map(([path, targets]) => ({
      entry: `vanillanet${path.slice(1)}`,
      portable: Object.hasOwn(Object(targets) as object, 'node'),
    }));
}

/** All bytes that an import of the entry loads in Node, without what it imports only on use. */
async function loadedInNode(folder: string, entry: string): Promise<{ files: number; bytes: number }> {
  const { metafile } = await build({
    ...optionsIn(folder, `export * from '${entry}';`),
    platform: 'node',
    splitting: true,
    outdir: 'out',
    external: ['sharp', '@tensorflow/*', '#tfjs*'],
    // Everything that is in a loaded file is loaded.
    treeShaking: false,
  });
  const reached = new Set<string>();
  const follow = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { path, kind, external } of metafile.inputs[file].imports) {
      if (kind !== 'dynamic-import' && external !== true) follow(path);
    }
  };
  follow(Object.keys(metafile.inputs).find((file) => file.includes('<stdin>')) ?? '<stdin>');
  const files = [...reached].filter((file) => !file.includes('<stdin>'));
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Bytes of gzip of a program and all that it imports, minified by a bundler, the .wasm files included. */
async function bundledFor(folder: string, program: string, condition: 'browser' | 'workerd'): Promise<number> {
  const { outputFiles } = await build({
    ...optionsIn(folder, program),
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: [condition],
    minify: true,
    outdir: 'out',
    external: ['@tensorflow/*'],
    loader: { '.wasm': 'copy' },
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

const optionsIn = (folder: string, program: string) =>
  ({
    absWorkingDir: folder,
    stdin: { contents: program, resolveDir: folder },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    logLevel: 'error',
  }) satisfies BuildOptions;

/** The weights of all entries. @param packageFile the package's package.json */
export async function weighEntries(folder: string, packageFile: string): Promise<EntryWeight[]> {
  const entries = await readEntries(packageFile);
  return Promise.all(
    entries.map(async ({ entry, portable }) => {
      const gzip = (condition: 'browser' | 'workerd') =>
        portable ? bundledFor(folder, `export * from '${entry}';`, condition) : null;
      const [loaded, browser, workerd] = [loadedInNode(folder, entry), gzip('browser'), gzip('workerd')];
      return { entry, ...(await loaded), browser: await browser, workerd: await workerd };
    }),
  );
}

const WORKER = `
import { loadModel } from 'vanillanet/core';
import wasm from 'vanillanet/plain.wasm';
export default (weights) => loadModel(weights, { wasm });`;

/** Bytes of gzip of a Worker that loads a model by `vanillanet/core`, with its WebAssembly module. */
export const weighWorker = (folder: string): Promise<number> => bundledFor(folder, WORKER, 'workerd');
