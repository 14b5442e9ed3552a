/** Links, paths and scripts in Markdown files exist, in the repository and in the package. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anchorsOf, exists, fileOf, inlineCode, isRelative, linksOf, readPages, ROOT } from './markdown.js';

const pages = readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

test('there are pages to check', () => {
  expect(byPath.has('README.md')).toBe(true);
  expect(byPath.has('reference/README.md')).toBe(true);
  expect(byPath.has('test/image/README.md')).toBe(true);
  expect(pages.flatMap(linksOf).length).toBeGreaterThan(50);
});

test('every relative link points to a file, and every anchor to a heading', () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const target of linksOf(page).filter(isRelative)) {
      const file = fileOf(page, target);
      const linked = byPath.get(file);
      const anchor = target.includes('#') ? decodeURI(target.slice(target.indexOf('#') + 1)) : null;
      if (!exists(file)) broken.push(`${page.path}: ${target}`);
      else if (anchor !== null && (linked === undefined || !anchorsOf(linked).has(anchor))) {
        broken.push(`${page.path}: ${target}, no such heading`);
      }
    }
  }
  expect(broken).toEqual([]);
});

test('every path in inline code exists', () => {
  const folders = /^(src|test|assembly|bench|examples|scripts|reference|models|docs|engines|\.github|\.ci)\/[\w./-]*$/;
  const missing: string[] = [];
  for (const page of pages.filter(({ path }) => !path.includes('/') || /^(docs|reference|models)\//.test(path))) {
    for (const path of inlineCode(page).filter((code) => folders.test(code))) {
      // Created by a build.
      if (path.startsWith('engines/')) continue;
      if (!exists(path)) missing.push(`${page.path}: ${path}`);
    }
  }
  expect(missing).toEqual([]);
});

test.each(['README.md', 'README.zh-CN.md'])('%s has at most 150 lines', (path) => {
  expect(byPath.get(path)?.text.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

test('every npm script in the pages exists', () => {
  const scriptsOf = (folder: string): string[] => {
    const file = join(folder, 'package.json').replaceAll('\\', '/');
    if (!exists(file)) return [];
    const { scripts = {} } = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as { scripts?: Record<string, string> };
    return Object.keys(scripts);
  };
  const missing: string[] = [];
  for (const { path, text } of pages) {
    // A folder with its own package.json has its own scripts.
    const scripts = new Set([...scriptsOf('.'), ...scriptsOf(dirname(path))]);
    for (const [, script] of text.matchAll(/npm run (?:--\S+ )*([a-z][\w:-]*)/g)) {
      if (!scripts.has(script)) missing.push(`${path}: npm run ${script}`);
    }
    for (const [, script] of text.matchAll(/npm (start|test)\b/g)) {
      if (!scripts.has(script)) missing.push(`${path}: npm ${script}`);
    }
  }
  expect(missing).toEqual([]);
});

test('CONTRIBUTING.md lists every npm script', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const text = byPath.get('CONTRIBUTING.md')?.text ?? '';
  // npm runs these automatically before other scripts.
  const hooks = ['pretest', 'prepack'];
  const missing = Object.keys(scripts).filter(
    (name) => !hooks.includes(name) && !text.includes(`| \`npm run ${name}\``) && !text.includes(`| \`npm ${name}\``),
  );
  expect(missing).toEqual([]);
});

describe('the package', () => {
  let packagedFiles: ReadonlySet<string>;

  beforeAll(() => {
    // On Windows, npm is a script and needs a shell.
    const listing = execFileSync('npm pack --dry-run --json --ignore-scripts', {
      cwd: ROOT,
      encoding: 'utf8',
      shell: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(listing) as [{ files: { path: string }[] }];
    packagedFiles = new Set(files.map(({ path }) => path));
  });

  test('contains the pages that a user reads', () => {
    for (const path of ['README.md', 'README.zh-CN.md', 'CHANGELOG.md', 'docs/training.md', 'reference/README.md']) {
      expect([...packagedFiles]).toContain(path);
    }
  });

  test('contains everything that its pages link to', () => {
    const isInPackage = (file: string): boolean =>
      packagedFiles.has(file) || [...packagedFiles].some((path) => path.startsWith(`${file}/`));
    const broken = pages
      .filter(({ path }) => packagedFiles.has(path))
      .flatMap((page) =>
        linksOf(page)
          .filter((target) => isRelative(target) && !isInPackage(fileOf(page, target)))
          .map((target) => `${page.path}: ${target}`),
      );
    expect(broken).toEqual([]);
  });
});
