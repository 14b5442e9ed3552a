import { expect, test } from '@jest/globals';
import { closeSection, releaseNotes, unreleasedNotes } from '../../scripts/release/changelog.js';

const CHANGELOG = `# Changelog

## Unreleased

### Added

- A new option.

## 0.1.0 — 2026-01-31

- The first release.
`;

test('the notes are the section without its heading', () => {
  expect(unreleasedNotes(CHANGELOG, '0.2.0')).toBe('### Added\n\n- A new option.');
  expect(releaseNotes(CHANGELOG, '0.1.0')).toBe('- The first release.');
});

test('a release puts the section under version and date, and opens an empty one', () => {
  const closed = closeSection(CHANGELOG, '0.2.0', '2026-03-01');
  expect(closed).toContain('## Unreleased\n\n## 0.2.0 — 2026-03-01\n\n### Added\n');
  expect(releaseNotes(closed, '0.2.0')).toBe('### Added\n\n- A new option.');
  expect(() => unreleasedNotes(closed, '0.3.0')).toThrow('an empty section');
});

test('the heading may name the version that it is for', () => {
  const named = CHANGELOG.replace('## Unreleased', '## 0.2.0 — unreleased');
  expect(unreleasedNotes(named, '0.2.0')).toContain('A new option');
  expect(closeSection(named, '0.2.0', '2026-03-01')).not.toContain('0.2.0 — unreleased');
  expect(() => unreleasedNotes(named, '0.3.0')).toThrow('expected the changes of 0.3.0, got those of 0.2.0');
});

test('a missing section is an error with a hint', () => {
  const hint = { name: 'ScriptError', hint: expect.stringMatching(/\.$/) as unknown };
  expect(() => unreleasedNotes('# Changelog\n', '0.2.0')).toThrow(expect.objectContaining(hint));
  expect(() => releaseNotes(CHANGELOG, '0.2.0')).toThrow(expect.objectContaining(hint));
  // The dot of a version is not a wildcard.
  expect(() => releaseNotes(CHANGELOG.replace('## 0.1.0', '## 0x1.0'), '0.1.0')).toThrow('got none');
});
