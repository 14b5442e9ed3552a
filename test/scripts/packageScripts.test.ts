/** What the scripts of package.json, .ci/run and the workflows name exists, and the scripts run on Windows, too. */
import { expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** Syntax that a POSIX shell has and cmd.exe lacks: variables, substitution, `;`, single quotes, /dev/null, globs. */
const POSIX_ONLY = /(^|&& *)\w+=|\$|;|'|`|\/dev\/|\*|(^|[^&])&([^&1-9]|$)/;
/** Programs that Windows does not have. */
const POSIX_PROGRAMS = /(^|&& *)(rm|cp|mv|mkdir|cat|sh|bash|env|test|touch|export)\b/;

test.each(Object.entries(scripts))('cmd.exe can run %s', (_, script) => {
  expect(script).not.toMatch(POSIX_ONLY);
  expect(script).not.toMatch(POSIX_PROGRAMS);
});

test.each([
  'A=1 npm test',
  'rm -rf dist',
  "echo 'a'",
  'node a.js; node b.js',
  'node $npm_package',
  'node a.js & node b.js',
])('cmd.exe cannot run %s', (script) => {
  expect(POSIX_ONLY.test(script) || POSIX_PROGRAMS.test(script)).toBe(true);
});

const WORKFLOWS = readdirSync('.github/workflows').map((name) => `.github/workflows/${name}`);

/** The commands of .ci/run, or of the `run:` steps of a workflow. */
const commandsOf = (file: string): string[] => {
  const lines = readFileSync(file, 'utf8').split('\n');
  return file.endsWith('.yml') ? lines.flatMap((line) => /^\s*- run: (.*)/.exec(line)?.[1] ?? []) : lines;
};

test.each(['.ci/run', ...WORKFLOWS])('the npm scripts and files that %s names exist', (file) => {
  const commands = commandsOf(file).join('\n');
  // Scripts after --prefix are another package's.
  const names = [...commands.matchAll(/npm run (?:--silent )?([\w:-]+)(?! --prefix)(?=\s|$)/g)].map(([, name]) => name);
  expect(names.filter((name) => !(name in scripts))).toEqual([]);
  const paths = [...commands.matchAll(/\b(?:bash|node|--prefix) (\w[\w./-]*|\.ci\/run)/g)].map(([, path]) => path);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  expect(names.length + paths.length).toBeGreaterThan(0);
});

test('the portable part runs on every Node that the package supports, and on two other systems', () => {
  const ci = readFileSync('.github/workflows/ci.yml', 'utf8');
  expect(ci).toMatch(/system: \[macos-latest, windows-latest\]\n\s+node: \[20, 22, 24\]/);
  expect(ci).toContain('run: bash .ci/run');
});
