import { readFile, writeFile } from 'node:fs/promises';
import { ScriptError } from '../scriptError.js';
import { closeSection, unreleasedNotes } from './changelog.js';
import { commandText, run, type CommandLine } from './commands.js';
import { publishCommand } from './publish.js';
import { checkVersion, setVersion } from './version.js';

const CHANGELOG = 'CHANGELOG.md';
const MANIFESTS = ['package.json', 'package-lock.json'];
const CHECK: CommandLine = ['npm', 'run', 'check'];

export interface ReleaseOptions {
  readonly version: string;
  /** YYYY-MM-DD */
  readonly date: string;
  readonly dryRun: boolean;
}

/** The error of a check, if it fails. */
function problemOf(check: () => unknown): ScriptError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof ScriptError) return [error];
    throw error;
  }
}

function throwAll(problems: readonly ScriptError[]): void {
  if (problems.length > 0) throw new AggregateError(problems, 'the release is not ready');
}

function checkTree(): void {
  const changes = run(['git', 'status', '--porcelain']).trim();
  if (changes === '') return;
  const got = changes.split('\n').join(', ');
  throw new ScriptError({ op: 'git', expected: 'a clean working tree', got, hint: 'Commit the changes first.' });
}

/** npm compares the repository in package.json with the one that builds the package. */
function checkRepository(manifest: string): void {
  const { repository } = JSON.parse(manifest) as { readonly repository?: unknown };
  if (repository !== undefined) return;
  const hint = 'Set it to the URL of the public repository: npm refuses provenance without it.';
  throw new ScriptError({ op: 'package.json', expected: 'a field "repository"', got: 'none', hint });
}

/** What stands against the release before anything is run. */
function findProblems(version: string, changelog: string, manifest: string): ScriptError[] {
  const { version: current } = JSON.parse(manifest) as { readonly version: string };
  const tags = run(['git', 'tag', '--list']).split('\n');
  return [
    () => {
      checkVersion(version, current, tags);
    },
    () => unreleasedNotes(changelog, version),
    () => {
      checkRepository(manifest);
    },
    checkTree,
  ].flatMap(problemOf);
}

/** Commits the edits and pushes them with their tag, both or neither. */
const gitCommands = (tag: string): CommandLine[] => [
  ['git', 'add', CHANGELOG, ...MANIFESTS],
  ['git', 'commit', '--message', `Release ${tag}`],
  ['git', 'tag', '--annotate', tag, '--message', tag],
  ['git', 'push', '--atomic', 'origin', 'HEAD', tag],
];

/** Prints what a release would do. Nothing is written, except by the build, whose outputs git ignores. */
function rehearse({ version, date }: ReleaseOptions, changelog: string, log: (line: string) => void): ScriptError[] {
  log(`1. ${commandText(CHECK)}`);
  const problems = problemOf(() => run(CHECK, { show: true }));
  log(`2. ${CHANGELOG}: the unreleased section becomes "## ${version} — ${date}":\n`);
  problems.push(
    ...problemOf(() => {
      log(unreleasedNotes(changelog, version));
    }),
  );
  log(`\n3. ${MANIFESTS.join(', ')}: "version": "${version}"`);
  for (const [i, line] of gitCommands(`v${version}`).entries()) log(`${i + 4}. ${commandText(line)}`);
  log(`8. in .github/workflows/release.yml: ${commandText(publishCommand(version))}. Its dry run:`);
  problems.push(...problemOf(() => run(publishCommand(version, { dryRun: true }), { show: true })));
  return problems;
}

/**
 * Releases a version: checks the tree, writes the version into CHANGELOG.md and the manifests, commits, tags and pushes.
 * The tag starts .github/workflows/release.yml, which publishes with provenance.
 *
 * @throws AggregateError of all reasons that stand against the release, ScriptError if a step fails
 */
export async function release(options: ReleaseOptions, log: (line: string) => void): Promise<void> {
  const { version, date, dryRun } = options;
  const changelog = await readFile(CHANGELOG, 'utf8');
  const problems = findProblems(version, changelog, await readFile('package.json', 'utf8'));
  if (dryRun) problems.push(...rehearse(options, changelog, log).filter(({ op }) => op !== CHANGELOG));
  throwAll(problems);
  if (dryRun) return;

  log(commandText(CHECK));
  run(CHECK, { show: true });
  await writeFile(CHANGELOG, closeSection(changelog, version, date));
  for (const file of MANIFESTS) await writeFile(file, setVersion(await readFile(file, 'utf8'), version));
  for (const line of gitCommands(`v${version}`)) {
    log(commandText(line));
    run(line, { show: true });
  }
}
