/** The parts of CHANGELOG.md, whose format is Keep a Changelog's. */
import { ScriptError } from '../scriptError.js';

const FILE = 'CHANGELOG.md';

/** `## Unreleased`, `## [Unreleased]` or `## 1.2.0 — unreleased`. */
const UNRELEASED = /^## (?:\[?unreleased\]?|\[?(\d\S*?)\]? — unreleased)[^\S\n]*$/im;

/** The text between a heading and the next one of its level. */
function sectionAfter(text: string, start: number): string {
  const rest = text.slice(start);
  const end = rest.search(/^## /m);
  return (end === -1 ? rest : rest.slice(0, end)).trim();
}

/** The changes of the next version. @throws ScriptError if there are none, or if the heading names another version */
export function unreleasedNotes(changelog: string, version: string): string {
  const heading = UNRELEASED.exec(changelog);
  if (heading === null) {
    const hint = 'Add a section with the changes.';
    throw new ScriptError({ op: FILE, expected: 'a heading "## Unreleased"', got: 'none', hint });
  }
  const named = heading[1] as string | undefined;
  if (named !== undefined && named !== version) {
    const hint = `Release ${named}, or change the heading.`;
    throw new ScriptError({ op: FILE, expected: `the changes of ${version}`, got: `those of ${named}`, hint });
  }
  const notes = sectionAfter(changelog, heading.index + heading[0].length);
  if (notes === '') {
    const hint = 'List the changes since the last release.';
    throw new ScriptError({ op: FILE, expected: 'entries under "## Unreleased"', got: 'an empty section', hint });
  }
  return notes;
}

/** The changelog with the unreleased section under its version and date, and an empty one above it. */
export function closeSection(changelog: string, version: string, date: string): string {
  unreleasedNotes(changelog, version);
  return changelog.replace(UNRELEASED, `## Unreleased\n\n## ${version} — ${date}`);
}

/** The changes of a version that was released. @throws ScriptError if the changelog does not have it */
export function releaseNotes(changelog: string, version: string): string {
  const escaped = version.replace(/[.+]/g, '\\$&');
  const heading = new RegExp(`^## ${escaped} — \\d{4}-\\d\\d-\\d\\d[^\\S\\n]*$`, 'm').exec(changelog);
  if (heading === null) {
    const hint = 'npm run release -- VERSION writes the heading.';
    throw new ScriptError({ op: FILE, expected: `a heading "## ${version} — DATE"`, got: 'none', hint });
  }
  return sectionAfter(changelog, heading.index + heading[0].length);
}
