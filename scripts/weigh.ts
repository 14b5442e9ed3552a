/**
 * `npm run weigh`: what the package and each of its entries weigh, as Markdown tables. Packs the package and
 * installs the tarball in an empty folder, so that the numbers are those that a user gets.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, type BuildOptions } from 'esbuild';
import { bytesIn, installedPackages } from './installedPackages.js';

const run = promisify(execFile);

/** Entries by name, with the runtimes that have them. */
const ENTRIES = [
  { entry: 'vanillanet', portable: true },
  { entry: 'vanillanet/core', portable: true },
  { entry: 'vanillanet/train', portable: true },
  { entry: 'vanillanet/reference', portable: true },
  { entry: 'vanillanet/ops', portable: true },
  { entry: 'vanillanet/tfjs', portable: true },
  { entry: 'vanillanet/node', portable: false },
] as const;

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

/** All bytes that an import of the entry loads in Node, without what it imports only on use. */
async function loadedInNode(folder: string, entry: string): Promise<{ files: number; bytes: number }> {
  const { metafile } = await build({
    ...optionsIn(folder, entry),
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

/** Bytes of gzip of the entry and all that it imports, minified by a bundler, the .wasm files included. */
async function bundledFor(folder: string, entry: string, condition: 'browser' | 'workerd'): Promise<number> {
  const { outputFiles } = await build({
    ...optionsIn(folder, entry),
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

const optionsIn = (folder: string, entry: string) =>
  ({
    absWorkingDir: folder,
    stdin: { contents: `export * from '${entry}';`, resolveDir: folder },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    logLevel: 'error',
  }) satisfies BuildOptions;

async function tableOfEntries(folder: string): Promise<string[]> {
  const rows = await Promise.all(
    ENTRIES.map(async ({ entry, portable }) => {
      const node = await loadedInNode(folder, entry);
      const gzip = async (condition: 'browser' | 'workerd'): Promise<string> =>
        portable ? kilobytes(await bundledFor(folder, entry, condition)) : '-';
      const loaded = `${node.files} files, ${kilobytes(node.bytes)}`;
      return `| \`${entry}\` | ${loaded} | ${await gzip('browser')} | ${await gzip('workerd')} |`;
    }),
  );
  return [
    '| entry | loaded in Node | bundled for browsers (gzip) | bundled for workerd (gzip) |',
    '| --- | --- | --- | --- |',
    ...rows,
  ];
}

async function tableOfPackages(folder: string, tarball: string): Promise<string[]> {
  const packages = await installedPackages(folder);
  const others = packages.filter(({ name }) => name !== 'vanillanet');
  const bytes = others.reduce((sum, { bytes: size }) => sum + size, 0);
  return [
    '| package | |',
    '| --- | --- |',
    `| tarball | ${kilobytes((await stat(tarball)).size)} |`,
    `| unpacked | ${kilobytes(await bytesIn(join(folder, 'node_modules/vanillanet')))} |`,
    `| installed besides | ${others.length} packages (${others.map(({ name }) => name).join(', ')}), ${kilobytes(bytes)} |`,
  ];
}

const folder = await mkdtemp(join(tmpdir(), 'vanillanet-weigh-'));
try {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    maxBuffer: 2 ** 26,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
  const tarball = join(folder, filename);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder });
  console.log([...(await tableOfPackages(folder, tarball)), '', ...(await tableOfEntries(folder))].join('\n'));
} finally {
  await rm(folder, { recursive: true, force: true });
}
