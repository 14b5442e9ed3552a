/** Which folder may import which: any other import fails, by its name. */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The files that downloads of data sets share with weights from a URL. */
const FETCH = ['src/io/fetchBytes.ts', 'src/io/fileVersion.ts', 'src/io/readStream.ts'];

/** How data sets read and write files, as weights and runs do. */
const FILES = [
  ...['src/io/location.ts', 'src/io/openFile.ts', 'src/io/readFile.ts', 'src/io/fileKind.ts'],
  ...['src/io/createFolder.ts', 'src/io/retryIfOpen.ts', 'src/io/reason.ts', 'src/io/pickle/'],
];

/** What the files under a path may import: folders of the project, and packages. The first match counts. */
const RULES: readonly {
  readonly from: string;
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
}[] = [
  { from: 'reference/', rooms: ['reference/'], packages: ['#ndarray'] },
  { from: 'assembly/shared/', rooms: ['assembly/shared/'], packages: [] },
  { from: 'assembly/inference/', rooms: ['assembly/inference/', 'assembly/shared/'], packages: [] },
  { from: 'assembly/training/', rooms: ['assembly/training/', 'assembly/shared/'], packages: [] },
  { from: 'assembly/ops/', rooms: ['assembly/ops/', 'assembly/shared/'], packages: [] },
  { from: 'assembly/float64/', rooms: ['assembly/float64/'], packages: [] },
  { from: 'assembly/bench/', rooms: ['assembly/shared/', 'assembly/training/'], packages: [] },
  { from: 'src/core/', rooms: ['src/core/'], packages: [] },
  { from: 'src/image/', rooms: ['src/image/', 'src/core/', 'src/io/fileKind.ts'], packages: [] },
  {
    from: 'src/wasm/training/',
    rooms: ['src/wasm/', 'src/core/'],
    packages: ['#wasm/train-plain', '#wasm/train-relaxed', '#wasm/threads/train-plain', '#wasm/threads/train-relaxed'],
  },
  { from: 'src/wasm/float64/', rooms: ['src/wasm/', 'src/core/'], packages: ['#wasm/float64-plain'] },
  {
    from: 'src/wasm/ops/',
    rooms: ['src/wasm/', 'src/core/'],
    packages: ['#wasm/ops-plain', '#wasm/ops-relaxed'],
  },
  {
    from: 'src/wasm/',
    rooms: ['src/wasm/', 'src/core/', 'src/image/normalize.ts', 'src/runtime/runtime.ts', 'src/runtime/turns.ts'],
    packages: ['#runtime', '#wasm/builds', '#wasm/identity', '#wasm/threads/plain', '#wasm/threads/relaxed'],
  },
  {
    from: 'src/runtime/node.ts',
    rooms: ['src/runtime/', 'src/core/messageOf.ts', 'src/data/decode/image.ts', 'src/io/openFile.ts'],
    packages: ['node:'],
  },
  { from: 'src/runtime/nodeUtil.ts', rooms: ['src/runtime/'], packages: ['node:'] },
  { from: 'src/runtime/turns.ts', rooms: ['src/runtime/', 'src/core/jobQueue.ts'], packages: ['#runtime'] },
  { from: 'src/runtime/webImages.ts', rooms: ['src/runtime/', 'src/image/'], packages: [] },
  { from: 'src/runtime/', rooms: ['src/runtime/'], packages: [] },
  { from: 'src/model/loadModel.ts', rooms: ['src/model/', 'src/core/', 'src/io/', 'src/wasm/'], packages: [] },
  {
    from: 'src/model/loadModelWithModule.ts',
    rooms: ['src/model/', 'src/core/', 'src/io/', 'src/wasm/'],
    packages: [],
  },
  { from: 'src/model/readModel.ts', rooms: ['src/model/', 'src/core/', 'src/io/'], packages: [] },
  {
    from: 'src/model/readInput.ts',
    rooms: [
      'src/core/',
      'src/image/',
      'src/io/checkSource.ts',
      'src/io/location.ts',
      'src/io/reason.ts',
      'src/runtime/turns.ts',
    ],
    packages: ['#runtime'],
  },
  { from: 'src/model/', rooms: ['src/model/', 'src/core/', 'src/image/', 'src/runtime/turns.ts'], packages: [] },
  { from: 'src/io/', rooms: ['src/io/', 'src/core/', 'src/vendor/'], packages: ['#runtime', 'node:'] },
  { from: 'src/vendor/', rooms: [], packages: ['@noble/hashes/sha2.js'] },
  // Optional: only the thread that reads HDF5 loads it.
  {
    from: 'src/formats/hdf5/library.ts',
    rooms: ['src/formats/hdf5/'],
    packages: ['h5wasm'],
  },
  { from: 'src/formats/', rooms: ['src/formats/', 'src/core/', 'src/io/'], packages: ['node:'] },
  {
    from: 'src/data/',
    rooms: ['src/data/', 'src/core/', 'src/image/', 'src/io/progress.ts', ...FILES, ...FETCH],
    packages: ['#data/disk', 'node:', 'sharp', 'modern-tar'],
  },
  // Only the types of TensorFlow.js: the caller passes the library itself; Node's engines are looked up by name.
  {
    from: 'src/tfjs/node/',
    rooms: ['src/tfjs/', 'src/core/', 'src/runtime/nodeUtil.ts'],
    packages: ['node:', '@tensorflow/tfjs-core'],
  },
  { from: 'src/tfjs/', rooms: ['src/tfjs/', 'src/core/'], packages: ['@tensorflow/tfjs-core'] },
  {
    from: 'src/oracle/',
    rooms: ['src/oracle/', 'src/core/', 'src/model/', 'src/wasm/float64/', 'reference/index.ts'],
    packages: [],
  },
  {
    from: 'src/diff/',
    rooms: ['src/diff/', 'src/core/', 'src/io/', 'src/oracle/', 'reference/index.ts'],
    packages: [],
  },
  {
    from: 'src/node/',
    rooms: ['src/node/', 'src/core/', 'src/io/', 'src/formats/', 'src/model/', 'src/oracle/', 'src/runtime/turns.ts'],
    packages: ['node:'],
  },
  { from: 'src/deploy/', rooms: ['src/deploy/', 'src/core/'], packages: [] },
  {
    from: 'src/train/',
    rooms: [
      'src/train/',
      'src/core/',
      'src/data/',
      'src/io/',
      'src/oracle/',
      'src/report/',
      'src/wasm/training/',
      'reference/index.ts',
    ],
    packages: ['#runtime', 'node:'],
  },
  {
    from: 'src/report/',
    rooms: ['src/report/', 'src/core/', 'src/io/', 'src/diff/comparison.ts', 'src/diff/measures.ts'],
    packages: ['@observablehq/plot', 'linkedom', 'string-width'],
  },
  { from: 'src/cli/', rooms: ['src/', 'reference/index.ts'], packages: ['node:', 'commander', 'cli-progress'] },
  { from: 'src/entries/', rooms: ['src/'], packages: [] },
];

/** What the portable entry must not import, directly or through others. */
const NOT_PORTABLE = [
  'cli',
  'data',
  'diff',
  'formats',
  'node',
  'oracle',
  'deploy',
  'report',
  'tfjs',
  'train',
  'wasm/training',
]
  .map((room) => `src/${room}/`)
  .concat('reference/');

// Without following links: an installed example has a link to this folder.
const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)).replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !name.includes('/node_modules/'));

const importsByFile = new Map<string, readonly string[]>();

/** Every module that a file names in imports, re-exports, and import() in code and types. */
function imports(file: string): readonly string[] {
  const known = importsByFile.get(file) ?? readImports(file);
  importsByFile.set(file, known);
  return known;
}

function readImports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const own: string[] = [];
  const visit = (node: ts.Node): void => {
    const named = ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier : undefined;
    const called =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : undefined;
    const typed = ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    const required = ts.isExternalModuleReference(node) ? node.expression : undefined;
    for (const specifier of [named, called, typed, required])
      if (specifier && ts.isStringLiteral(specifier)) own.push(specifier.text);
    ts.forEachChild(node, visit);
  };
  const options = { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: ts.JSDocParsingMode.ParseNone };
  visit(ts.createSourceFile(file, text, options));
  return own;
}

/** The file of a relative import. */
const target = (file: string, specifier: string): string =>
  relative(
    ROOT,
    join(ROOT, dirname(file), specifier.replace(/\.js$/, '.ts').replace(/^([^.].*|\..*\/[^./]+)$/, '$1.ts')),
  )
    .replaceAll('\\', '/')
    .replace(/\.ts\.ts$/, '.ts');

/** The name of a package; `node:` for all modules of Node. */
const isOf = (named: string, allowed: string): boolean =>
  allowed === 'node:' ? named.startsWith(allowed) : named === allowed;

function offences(file: string): string[] {
  const rule = RULES.find(({ from }) => file.startsWith(from));
  if (rule === undefined) return [`${file} lies in no room`];
  return imports(file)
    .filter((specifier) => {
      const inside = specifier.startsWith('.');
      const named = inside ? target(file, specifier) : specifier;
      return inside
        ? !rule.rooms.some((room) => named.startsWith(room))
        : !rule.packages.some((name) => isOf(named, name));
    })
    .map((specifier) => `${file} imports ${specifier}`);
}

const ALL = [...sources('reference'), ...sources('assembly'), ...sources('src')];

test('the project has source files', () => {
  expect(ALL.length).toBeGreaterThan(60);
  expect(imports('reference/conv2d.ts')).toContain('./require.js');
  expect(target('src/wasm/ops/openOps.ts', '../../core/errors.js')).toBe('src/core/errors.ts');
  expect(target('assembly/ops/conv2d.ts', './gemm')).toBe('assembly/ops/gemm.ts');
});

test('a forbidden import is reported', () => {
  const shared = target('reference/conv2d.ts', '../src/core/errors.js');
  expect(RULES[0].rooms.some((room) => shared.startsWith(room))).toBe(false);
  expect(offences('examples/firstLight.ts')).toEqual(['examples/firstLight.ts lies in no room']);
});

test('every folder imports only what it may', () => {
  expect(ALL.flatMap(offences)).toEqual([]);
});

test('packages are compared by their full names', () => {
  expect(isOf('ndarray', 'ndarray')).toBe(true);
  expect(isOf('ndarray-ops', 'ndarray')).toBe(false);
  expect(isOf('node:fs', 'node:')).toBe(true);
});

test('all files import only packages that package.json names', () => {
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Readonly<Record<'dependencies' | 'devDependencies' | 'peerDependencies', Record<string, string>>>;
  const rest = ['test', 'bench', 'examples', 'scripts']
    .flatMap(sources)
    // These have their own package.json.
    .filter((file) => !/^(bench\/peers|test\/(engines|runtimes)|examples\/[^/]+)\//.test(file));
  const packagesOf = (files: readonly string[]): string[] => {
    const specifiers = files.flatMap(imports).filter((name) => !/^(\.|#|node:|vanillanet($|\/))/.test(name));
    const names = specifiers.map((name) => name.split('/').slice(0, name.startsWith('@') ? 2 : 1));
    return [...new Set(names.map((parts) => parts.join('/')))].sort();
  };
  expect(rest.length).toBeGreaterThan(60);
  const declared = { ...dependencies, ...devDependencies };
  expect(packagesOf([...ALL, ...rest]).filter((name) => !(name in declared))).toEqual([]);
  // What src imports of devDependencies is bundled into dist; test/entries/tarball.test.ts checks that it is.
  const installed = { ...dependencies, ...peerDependencies };
  expect(packagesOf(ALL).filter((name) => !(name in installed))).toEqual([
    ...['@noble/hashes', '@observablehq/plot', 'cli-progress', 'commander', 'linkedom', 'modern-tar', 'string-width'],
  ]);
});

test('modules of Node are imported with the prefix node:', () => {
  const bare = new Set(builtinModules);
  expect(ALL.flatMap((file) => imports(file).filter((name) => bare.has(name)))).toEqual([]);
});

/** Groups of files that import each other, directly or through others; imports of types count too. */
function cycles(files: readonly string[], importsOf: (file: string) => readonly string[]): string[][] {
  // Tarjan's algorithm: strongly connected components of more than one file.
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const visit = (file: string): void => {
    const number = order.size;
    order.set(file, number);
    let low = number;
    stack.push(file);
    for (const next of importsOf(file)) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low = Math.min(low, lowest.get(next) ?? order.get(next) ?? low);
    }
    lowest.set(file, low);
    if (low < number) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || importsOf(file).includes(file)) groups.push(group.sort());
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return groups;
}

test('there are no circular imports', () => {
  const known = new Set(ALL);
  const importsOf = (file: string): string[] =>
    imports(file)
      .filter((name) => name.startsWith('.'))
      .map((name) => target(file, name))
      .filter((name) => known.has(name));
  expect(importsOf('src/core/parameters.ts')).toContain('src/core/network.ts');
  expect(cycles(ALL, importsOf)).toEqual([]);
});

test('circular imports are found', () => {
  const graph: Readonly<Record<string, readonly string[]>> = {
    a: ['b'],
    b: ['c'],
    c: ['b', 'd'],
    d: [],
    e: ['e', 'a'],
  };
  expect(cycles(Object.keys(graph), (file) => graph[file])).toEqual([['b', 'c'], ['e']]);
});

/** All files that an entry imports, directly or through others, and their packages. */
function reachedFrom(entry: string): { readonly files: ReadonlySet<string>; readonly packages: readonly string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const follow = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const specifier of imports(file)) {
      if (specifier.startsWith('.')) follow(target(file, specifier));
      else packages.add(specifier);
    }
  };
  follow(entry);
  return { files, packages: [...packages].sort() };
}

test.each([
  // On a module of one's own, none is carried.
  { entry: 'src/entries/core.ts', wasm: ['#wasm/identity'] },
  {
    entry: 'src/entries/index.ts',
    wasm: ['builds', 'identity', 'threads/plain', 'threads/relaxed'].map((n) => `#wasm/${n}`),
  },
])('$entry reaches no Node module, no oracle, no data set, no training', ({ entry, wasm }) => {
  const { files, packages } = reachedFrom(entry);
  expect(packages).toEqual(['#runtime', ...wasm, '@noble/hashes/sha2.js']);
  expect([...files].filter((file) => NOT_PORTABLE.some((room) => file.startsWith(room)))).toEqual([]);
  expect(files.has('src/wasm/inference/session.ts')).toBe(true);
});

test('no file of the package imports tests, benchmarks or examples', () => {
  const outside = ALL.flatMap((file) => imports(file).filter((name) => /(^|\/)(test|bench|examples)\//.test(name)));
  expect(outside).toEqual([]);
});
