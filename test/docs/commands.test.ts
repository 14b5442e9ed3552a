/** Commands, flags and imports in Markdown files exist, and examples print what their comments say. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hosted, printed } from '../cli/commandLine.js';
import { inlineCode, readPages, ROOT, shellLines } from './markdown.js';

const run = promisify(execFile);
const pages = readPages();
const pageOf = (path: string) => {
  const page = pages.find((candidate) => candidate.path === path);
  if (page === undefined) throw new Error(`no page ${path}`);
  return page;
};

const CLI = join(ROOT, 'dist/node/cli.js');

/** The words after `vanillanet` on a line, up to the end of the command. */
const COMMAND = /\bvanillanet ([a-z]+(?: \| [a-z]+)*)\b([^|;&`]*)/g;

/** Whether inline code is a command, and not the name of a folder or a package. */
const isCommandLine = (code: string): boolean => /^(npx )?vanillanet [a-z-]/.test(code);

const flagsIn = (text: string): string[] => [...text.matchAll(/(?<![\w-])--?[a-zA-Z][\w-]*/g)].map(([flag]) => flag);

describe('the command line', () => {
  const inHost = hosted();
  /** Flags by command. */
  const flags = new Map<string, ReadonlySet<string>>();

  beforeAll(async () => {
    const stdout = await printed(['--help'], ROOT, inHost);
    const names = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
    for (const name of names) flags.set(name, new Set(flagsIn(await printed([name, '--help'], ROOT, inHost))));
  });

  test('has the commands and flags in the pages', () => {
    const unknown: string[] = [];
    let count = 0;
    for (const page of pages) {
      const lines = [...shellLines(page), ...inlineCode(page)]
        .flatMap((line) => line.split(' && '))
        .filter(isCommandLine);
      for (const line of lines) {
        for (const [, commands, rest] of line.matchAll(COMMAND)) {
          for (const command of commands.split(' | ')) {
            count++;
            const commandFlags = flags.get(command);
            if (commandFlags === undefined) unknown.push(`${page.path}: vanillanet ${command}`);
            else
              for (const flag of flagsIn(rest))
                if (!commandFlags.has(flag)) unknown.push(`${page.path}: ${command} ${flag}`);
          }
        }
      }
    }
    expect(unknown).toEqual([]);
    expect(count).toBeGreaterThan(30);
  });

  test('has the flags that pages name without a command', () => {
    const all = new Set([...flags.values()].flatMap((names) => [...names]));
    const about = [
      'README.md',
      'docs/training.md',
      'docs/cli.md',
      'docs/deploy.md',
      'docs/porting.md',
      'docs/from-the-article.md',
    ];
    const unknown = about.flatMap((path) =>
      inlineCode(pageOf(path))
        .filter((code) => code.startsWith('--'))
        .flatMap((code) => flagsIn(code).filter((flag) => !all.has(flag)))
        .map((flag) => `${path}: ${flag}`),
    );
    expect(unknown).toEqual([]);
  });

  test('has every command described in docs/cli.md', () => {
    const { text } = pageOf('docs/cli.md');
    expect([...flags.keys()].filter((name) => !text.includes(`| \`vanillanet ${name}\``))).toEqual([]);
  });
});

test('entries have the exports that examples import', async () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const imports = pages.flatMap(({ path, blocks }) =>
    blocks.flatMap(({ code }) =>
      [...code.matchAll(/import\s+([\w*{][^'";]*?)\s+from\s+'(vanillanet(?:\/[^']*)?)'/g)].map(
        ([, clause, specifier]) => ({
          path,
          specifier,
          names: (/\{([^}]*)\}/.exec(clause)?.[1] ?? '')
            .split(',')
            .map((name) => name.trim().split(/\s+as\s+/)[0])
            .filter((name) => name !== '' && !name.startsWith('type ')),
        }),
      ),
    ),
  );
  const unknown = imports.filter(
    ({ specifier }) => !Object.hasOwn(exports, `.${specifier.slice('vanillanet'.length)}`),
  );
  expect(unknown).toEqual([]);

  const namedImports = imports.filter(({ names }) => names.length > 0);
  expect(namedImports.length).toBeGreaterThan(8);
  const entries = [...new Set(namedImports.map(({ specifier }) => specifier))];
  const program = `const exports = {};
    for (const entry of ${JSON.stringify(entries)}) exports[entry] = Object.keys(await import(entry));
    console.log(JSON.stringify(exports));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT });
  const exportsByEntry = JSON.parse(stdout) as Record<string, string[]>;
  const missing = namedImports.flatMap(({ path, specifier, names }) =>
    names.filter((name) => !exportsByEntry[specifier].includes(name)).map((name) => `${path}: ${name} of ${specifier}`),
  );
  expect(missing).toEqual([]);
});

describe('examples', () => {
  /** Runs a code block. @returns its output, and the output according to its comments */
  async function runBlock(path: string, index: number) {
    const { code } = pageOf(path).blocks.filter(({ language }) => language === 'js')[index];
    const documented = [...code.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: ROOT });
    return { output: stdout.trimEnd().split('\n'), documented };
  }

  test.each([
    ['reference/README.md', 0],
    ['reference/README.md', 1],
    ['reference/README.md', 2],
    ['docs/training.md', 0],
    ['docs/training.md', 1],
  ])('%s, block %i prints what its comments say', async (path, index) => {
    const { output, documented } = await runBlock(path, index);
    expect(documented.length).toBeGreaterThan(0);
    expect(output).toEqual(documented);
  });
});

describe('the first steps', () => {
  /** A folder with the clone and the app side by side, as the commands leave them; the package is linked, not installed. */
  let parent: string;
  let app: string;

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'vanillanet-docs-'));
    app = join(parent, 'app');
    await mkdir(join(app, 'node_modules'), { recursive: true });
    // Junctions need no privilege on Windows; elsewhere the type is ignored.
    await symlink(ROOT, join(parent, 'vanillanet'), 'junction');
    await symlink(ROOT, join(app, 'node_modules/vanillanet'), 'junction');
  });
  /** The output of a program or command by what it runs: the pages differ in language, and that of comments. */
  const outputs = new Map<string, Promise<{ stdout: string }>>();
  const outputOf = async (key: string, args: readonly string[]): Promise<string> => {
    const output = outputs.get(key) ?? run(process.execPath, args, { cwd: app });
    outputs.set(key, output);
    return (await output).stdout;
  };
  afterAll(() => rm(parent, { recursive: true, force: true }));

  test.each(['README.md', 'README.zh-CN.md'])('%s names the folders and files that the commands use', (path) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(shellLines(pageOf(path)).slice(0, 5)).toEqual([
      'cd vanillanet',
      'npm ci && npm pack',
      'mkdir ../app && cd ../app && npm init -y',
      `npm install ../vanillanet/vanillanet-${version}.tgz sharp`,
      'npx vanillanet classify ../vanillanet/examples/chelsea.png',
    ]);
  });

  test.each(['README.md', 'README.zh-CN.md'])('%s classifies an image by command', async (path) => {
    const [line] = shellLines(pageOf(path)).filter((command) => command.startsWith('npx vanillanet classify '));
    const [, , ...args] = line.split(' ');
    expect(await outputOf(line, [CLI, ...args])).toContain('frog');
  });

  test.each(['README.md', 'README.zh-CN.md'])('%s classifies an image by program', async (path) => {
    const { blocks, text } = pageOf(path);
    const [{ code }] = blocks.filter(({ language }) => language === 'js');
    const [, file] = /`node (\w+\.mjs)`/.exec(text) ?? [];
    await writeFile(join(app, file), code);
    expect(await outputOf(code.replaceAll(/ \/\/ .*/g, ''), [file])).toMatch(/^frog 0\.89/);
  });
});
