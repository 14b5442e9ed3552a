/** Bundles each test file with all of this package's modules that it imports, so that it can be loaded afresh at once. */
import { build as bundle, type Plugin } from 'esbuild';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** As in jest.config.js. */
const SOURCES: Record<string, string> = {
  '#runtime': 'src/runtime/node.ts',
  '#data/disk': 'src/data/loader/disk/node.ts',
};

export interface TestBundle {
  /** Relative to the root, as `test/image/crop.test.ts`. */
  readonly testFile: string;
  readonly path: string;
  /** The numbers of the mutants in the modules that are part of the bundle. */
  readonly mutants: ReadonlySet<string>;
}

/** Where the list of bundles is, in the sandbox, once there is one. */
const LIST = 'dist/mutation/bundles.json';

/**
 * @param sandbox a copy of the repository whose src/ is instrumented
 * @param root the repository: fixtures, dist/ and packages are read from there
 */
export async function bundleTests(sandbox: string, root: string, testFiles: readonly string[]): Promise<TestBundle[]> {
  const list = join(sandbox, LIST);
  if (existsSync(list)) {
    const bundles = JSON.parse(readFileSync(list, 'utf8')) as (Omit<TestBundle, 'mutants'> & { mutants: string[] })[];
    return bundles.map((one) => ({ ...one, mutants: new Set(one.mutants) }));
  }
  const bundles = await build(sandbox, root, testFiles);
  const partial = `${list}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(bundles.map((one) => ({ ...one, mutants: [...one.mutants] }))));
  renameSync(partial, list);
  return bundles;
}

async function build(sandbox: string, root: string, testFiles: readonly string[]): Promise<TestBundle[]> {
  const require = createRequire(join(root, 'package.json'));
  const plugin: Plugin = {
    name: 'mutation',
    setup(bundler) {
      bundler.onResolve({ filter: /^@jest\/globals$/ }, () => ({
        path: join(sandbox, 'test/mutation/jestGlobals.ts'),
      }));
      bundler.onResolve({ filter: /^#/ }, ({ path }) => {
        if (path in SOURCES) return { path: join(sandbox, SOURCES[path]) };
        if (path === '#ndarray') return { path: 'ndarray', external: true };
        return { path: pathToFileURL(require.resolve(path)).href, external: true };
      });
      // What is built is no part of the sandbox.
      bundler.onResolve({ filter: /^\..*\/dist\// }, ({ path, resolveDir }) => ({
        path: pathToFileURL(join(root, relative(sandbox, resolve(resolveDir, path)))).href,
        external: true,
      }));
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const url = JSON.stringify(pathToFileURL(join(root, relative(sandbox, path))).href);
        const source = await readFile(path, 'utf8');
        return { contents: source.replaceAll('import.meta.url', url), loader: 'ts' };
      });
    },
  };
  const {
    metafile: { outputs },
  } = await bundle({
    absWorkingDir: sandbox,
    entryPoints: testFiles.map((testFile) => ({ in: `tests:${testFile}`, out: testFile.replace(/\.ts$/, '') })),
    outdir: join(sandbox, 'dist/mutation'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // package.json says that modules have no side effects: tests have.
    ignoreAnnotations: true,
    // Modules have errors of the same name, which tests compare.
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    metafile: true,
    logLevel: 'error',
    plugins: [
      {
        name: 'entries',
        setup(bundler) {
          bundler.onResolve({ filter: /^tests:/ }, ({ path }) => ({ path: path.slice(6), namespace: 'tests' }));
          bundler.onLoad({ filter: /.*/, namespace: 'tests' }, ({ path }) => ({
            contents: `export { suite } from '@jest/globals'; import ${JSON.stringify(`./${path}`)};`,
            resolveDir: sandbox,
            loader: 'ts',
          }));
        },
      },
      plugin,
    ],
  });
  return Object.entries(outputs).map(([output, { entryPoint = '', inputs }]) => ({
    testFile: entryPoint.replace(/^tests:/, ''),
    path: join(sandbox, output),
    mutants: new Set(
      Object.keys(inputs)
        .filter((input) => input.startsWith('src/'))
        .flatMap((input) => mutantsIn(readFileSync(join(sandbox, input), 'utf8'))),
    ),
  }));
}

/** The numbers of the mutants in instrumented code. */
const mutantsIn = (code: string): string[] => [...code.matchAll(/stryMutAct_\w+\("(\d+)"\)/g)].map(([, id]) => id);
