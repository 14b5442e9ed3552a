/**
 * What the build bundles of other packages, and what it must do with them: CommonJS that requires
 * modules of Node, minification, and a copy of every license.
 */
import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { transform, type Metafile, type Plugin } from 'esbuild';

/** Packages that are not bundled: users install them, with this package or by themselves. */
export const EXTERNAL = ['ndarray', 'sharp', 'h5wasm', '@tensorflow/*', 'canvas'];

const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** Gives CommonJS packages the modules of Node that they require, because ES modules have no `require`. */
export const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup(build) {
    build.onResolve({ filter: /^[a-z:_/]+$/ }, ({ path, kind }) =>
      kind === 'require-call' && BUILTINS.has(path)
        ? { path: path.replace(/^(node:)?/, 'node:'), namespace: 'builtin' }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

/** Minifies packages alone: this project's own code keeps its names in stack traces. */
export const minifyPackages: Plugin = {
  name: 'minify-packages',
  setup(build) {
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => ({
      contents: (await transform(await readFile(path, 'utf8'), { minify: true, target: 'es2022' })).code,
    }));
  },
};

/** The folders of the packages that went into a bundle. */
export function foldersOf({ inputs }: Metafile): string[] {
  const folders = Object.keys(inputs).map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

const manifestIn = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The name, license and copyright of a package, as a comment that minifiers keep. */
export async function noticeOf(folder: string): Promise<string> {
  const { name, version, license } = await manifestIn(folder);
  const copyright = /^copyright .*$/im.exec(await readFile(join(folder, 'LICENSE'), 'utf8'))?.[0] ?? '';
  return `/*! ${name} ${version}, ${license} license. ${copyright} */`;
}

/** The licenses of packages in these folders, as one text. @throws Error for a package that has no license file */
export async function licensesOf(folders: readonly string[]): Promise<string> {
  const parts = folders.map(async (folder) => {
    const { name, version, license } = await manifestIn(folder);
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
    if (files.length === 0) throw new Error(`${folder}: expected a license file, got none`);
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    return [`## ${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join('\n\n');
  });
  return `# Licenses of the packages that are bundled in dist\n\n${(await Promise.all(parts)).join('\n\n')}\n`;
}
