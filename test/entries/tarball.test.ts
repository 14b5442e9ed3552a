/** The tarball of `npm pack` is small and complete, and has the licenses of the packages that it bundles. */
import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { bytesIn } from '../../scripts/installedPackages.js';

/** A file, or files by condition. */
type Target = string | { readonly [condition: string]: Target };

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Target>>;
  readonly imports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifest = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
let files: ReadonlySet<string>;
let tarballBytes: number;

beforeAll(async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    maxBuffer: 2 ** 26,
    shell: process.platform === 'win32',
  });
  const [archive] = JSON.parse(stdout) as [{ size: number; files: { path: string }[] }];
  files = new Set(archive.files.map(({ path }) => path));
  tarballBytes = archive.size;
});

const filesEnding = (ending: string): string[] => [...files].filter((file) => file.endsWith(ending));

const filesOf = (row: Target): string[] => (typeof row === 'string' ? [row] : Object.values(row).flatMap(filesOf));

/** All files that a map of package.json names, under any condition. */
const targetsOf = (map: Manifest['exports']): string[] =>
  Object.values(map)
    .flatMap(filesOf)
    .filter((path) => path.startsWith('./') && !path.startsWith('./engines/') && !path.includes('*'))
    .map((path) => path.slice(2));

/** The files or packages that an import by `#…` can mean, under any condition; none if package.json does not map it. */
function targetsOfImport(specifier: string): string[] {
  const split = (pattern: string): [start: string, end: string | null] => {
    const [start, end] = pattern.split('*') as [string, string?];
    return [start, end ?? null];
  };
  const pattern = Object.keys(manifest.imports)
    .filter((each) => {
      const [start, end] = split(each);
      return each === specifier || (end !== null && specifier.startsWith(start) && specifier.endsWith(end));
    })
    // As in Node: the pattern with the longest prefix.
    .sort((one, other) => split(other)[0].length - split(one)[0].length)[0] as string | undefined;
  if (pattern === undefined) return [];
  const [start, end] = split(pattern);
  const name = specifier.slice(start.length, specifier.length - (end ?? '').length);
  const row = manifest.imports[pattern];
  return (typeof row === 'string' ? [row] : Object.values(row)).map((target) => target.replaceAll('*', name));
}

/** Packages that npm installs with this one, as the lock file has them. */
async function installedPackages(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dependencies?: Readonly<Record<string, string>> }>>;
  };
  const names = new Set<string>();
  const follow = (dependencies: Readonly<Record<string, string>> = {}): void => {
    for (const name of Object.keys(dependencies)) {
      if (names.has(name)) continue;
      names.add(name);
      follow(packages[`node_modules/${name}`].dependencies);
    }
  };
  follow(manifest.dependencies);
  return [...names].sort();
}

test('npm installs three other packages of less than 3 MB with it', async () => {
  const packages = await installedPackages();
  expect(packages).toEqual(['iota-array', 'is-buffer', 'ndarray']);
  const bytes = await Promise.all(packages.map((name) => bytesIn(join('node_modules', name))));
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3e6);
  const required = Object.keys(manifest.peerDependencies).filter(
    (name) => manifest.peerDependenciesMeta[name].optional !== true,
  );
  expect(required).toEqual([]);
});

test('is smaller than 2 MB', () => {
  expect(tarballBytes).toBeLessThan(2e6);
});

test('contains every file that package.json names', () => {
  const targets = [...Object.values(manifest.bin), ...targetsOf(manifest.exports), ...targetsOf(manifest.imports)];
  expect(targets.length).toBeGreaterThan(40);
  expect(targets.filter((file) => !files.has(file))).toEqual([]);
});

test.each(['.js', '.d.ts'])(
  '%s files import only files of the tarball, installed packages and modules of Node',
  async (ending) => {
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const isAvailable = (file: string, specifier: string): boolean => {
      if (specifier.startsWith('.')) {
        const target = posix.join(dirname(file), specifier).replace(/\?module$/, '');
        return files.has(ending === '.d.ts' ? target.replace(/\.js$/, '.d.ts') : target);
      }
      if (specifier.startsWith('#')) {
        const targets = targetsOfImport(specifier);
        const inTarball = (target: string): boolean => !target.startsWith('./dist/') || files.has(target.slice(2));
        return targets.length > 0 && targets.every(inTarball);
      }
      return (
        specifier.startsWith('node:') ||
        packages.some((name) => specifier === name || specifier.startsWith(`${name}/`)) ||
        // linkedom has a fallback if this package is not installed.
        specifier === 'canvas'
      );
    };
    const missing: string[] = [];
    for (const file of filesEnding(ending).filter((name) => name.startsWith('dist/') && name !== 'dist/browser.js')) {
      const { importedFiles } = ts.preProcessFile(await readFile(file, 'utf8'), true, true);
      for (const { fileName } of importedFiles) if (!isAvailable(file, fileName)) missing.push(`${file}: ${fileName}`);
    }
    expect(missing).toEqual([]);
  },
);

test('source maps of declarations point to files of the tarball, so that "go to definition" works', async () => {
  const maps = filesEnding('.d.ts.map');
  expect(maps).toContain('dist/reference/conv2d.d.ts.map');
  expect(files.has('reference/README.md')).toBe(true);
  for (const map of maps) {
    const { sources } = JSON.parse(await readFile(map, 'utf8')) as { readonly sources: readonly string[] };
    const targets = sources.map((source) => posix.join(dirname(map), source));
    expect({ map, missing: targets.filter((target) => !files.has(target)) }).toEqual({ map, missing: [] });
  }
});

test('every source map that a file names is in the tarball', async () => {
  const candidates = [...filesEnding('.js'), ...filesEnding('.d.ts')];
  expect(candidates.length).toBeGreaterThan(300);
  const missing: string[] = [];
  for (const file of candidates) {
    const text = await readFile(file, 'utf8');
    for (const [, map] of text.matchAll(/^\/\/# sourceMappingURL=(\S+)$/gm)) {
      if (!files.has(posix.join(dirname(file), map))) missing.push(`${file}: ${map}`);
    }
  }
  expect(missing).toEqual([]);
});

test('contains the license of every bundled package', async () => {
  const licenses = await readFile('dist/THIRD_PARTY_LICENSES.md', 'utf8');
  expect(files.has('dist/THIRD_PARTY_LICENSES.md')).toBe(true);
  const bundled = new Set<string>();
  // esbuild names the source of each part of a bundle.
  for (const file of filesEnding('.js').filter((name) => /^dist\/(node|src\/vendor)\//.test(name))) {
    const text = await readFile(file, 'utf8');
    for (const [, name] of text.matchAll(/\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//g)) bundled.add(name);
  }
  expect([...bundled]).toEqual(
    expect.arrayContaining(['@noble/hashes', '@observablehq/plot', 'commander', 'modern-tar']),
  );
  const listed = [...licenses.matchAll(/^## (\S+) \S+ \((\S+)\)$/gm)];
  expect(listed.map(([, name]) => name)).toEqual(expect.arrayContaining([...bundled]));
  expect([...new Set(listed.map(([, , license]) => license))].sort()).toEqual([
    ...['Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'],
  ]);
});
