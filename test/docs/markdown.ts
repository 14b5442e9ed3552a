/** Reads the Markdown files of the repository: headings, links and code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface CodeBlock {
  /** The word after the fence: `sh`, `js`, … */
  readonly language: string;
  readonly code: string;
}

export interface Page {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text without fenced code. */
  readonly prose: string;
  readonly blocks: readonly CodeBlock[];
}

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'data', 'coverage', 'runs', 'built']);

/** Whether a folder is skipped: dependencies, build output, and hidden folders except .github. */
const isSkipped = (name: string): boolean =>
  SKIPPED_FOLDERS.has(name) || (name.startsWith('.') && name !== '.github') || name.startsWith('building-');

function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // test/data and src/data contain source files, unlike data/ at the root.
    const isSources = entry.name === 'data' && folder !== ROOT && folder !== ROOT.slice(0, -1);
    if (entry.isDirectory()) return isSkipped(entry.name) && !isSources ? [] : markdownFiles(path);
    return entry.isFile() && entry.name.endsWith('.md') ? [path] : [];
  });
}

const FENCE = /^```(\w*)[^\n]*\n(.*?)^```$/gms;

function readPage(file: string): Page {
  const text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  return {
    path: relative(ROOT, file).replaceAll('\\', '/'),
    text,
    prose: text.replace(FENCE, ''),
    blocks: [...text.matchAll(FENCE)].map(([, language, code]) => ({ language, code })),
  };
}

export const readPages = (): Page[] => markdownFiles(ROOT).map(readPage);

/** The targets of links and images, except in code. */
export function linksOf({ prose }: Page): string[] {
  const text = prose.replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map(([, target]) => target);
}

export const isRelative = (target: string): boolean => !/^[a-z][a-z+.-]*:/i.test(target);

/** Inline code, without line breaks. */
export const inlineCode = ({ prose }: Page): string[] =>
  [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code.replace(/\s+/g, ' '));

/** The anchors of the headings, as GitHub generates them. */
export function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of prose.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The file of a relative link, as a path relative to the repository. */
export function fileOf(page: Page, target: string): string {
  const [path] = target.split('#');
  if (path === '') return page.path;
  return normalize(join(dirname(page.path), decodeURI(path)))
    .replaceAll('\\', '/')
    .replace(/\/$/, '');
}

export const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** The shell commands of a page: the lines of its `sh` blocks, without comments; continued lines are joined. */
export const shellLines = ({ blocks }: Page): string[] =>
  blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
