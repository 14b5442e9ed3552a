import { readFile, writeFile } from 'node:fs/promises';
import { ScriptError } from '../scriptError.js';
import { releaseNotes } from './changelog.js';
import { run, type CommandLine } from './commands.js';
import { distTag } from './version.js';

/** Provenance is a statement that a public build signs: a dry run on another machine goes without it. */
export const publishCommand = (version: string, { dryRun = false } = {}): CommandLine => [
  'npm',
  'publish',
  dryRun ? '--dry-run' : '--provenance',
  ...['--access', 'public', '--tag', distTag(version)],
];

/** @throws ScriptError unless the tag is that of the version */
export function checkTag(tag: string, version: string): void {
  if (tag === `v${version}`) return;
  const hint = 'Make the tag with npm run release -- VERSION.';
  throw new ScriptError({ op: 'publish', expected: `the tag v${version} of package.json`, got: tag, hint });
}

/**
 * Publishes the package of a tag to npm, and writes its part of CHANGELOG.md to a file.
 *
 * @throws ScriptError
 */
export async function publish(tag: string, notesFile: string): Promise<void> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };
  checkTag(tag, version);
  const notes = releaseNotes(await readFile('CHANGELOG.md', 'utf8'), version);
  run(publishCommand(version), { show: true });
  await writeFile(notesFile, `${notes}\n`);
}
