import { expect, test } from '@jest/globals';
import { checkTag, publishCommand } from '../../scripts/release/publish.js';
import { checkVersion, compareVersions, distTag, setVersion } from '../../scripts/release/version.js';

test('versions are in the order of semver.org', () => {
  const ordered = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'];
  ordered.push('1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0');
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries())
      expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(i - j)]);
  }
});

test.each(['v1.0.0', '1.0', '01.0.0', '1.0.0-', '1.0.0 ', 'latest'])('%j is not a version', (version) => {
  expect(() => {
    checkVersion(version, '0.1.0', []);
  }).toThrow('expected a semantic version');
});

test('a version is released once, and in order', () => {
  checkVersion('0.1.0', '0.1.0', ['v0.0.9']);
  checkVersion('0.2.0-rc.1', '0.1.0', ['v0.1.0']);
  expect(() => {
    checkVersion('0.1.0', '0.2.0', []);
  }).toThrow('expected a version from 0.2.0 on, got 0.1.0');
  expect(() => {
    checkVersion('0.1.0', '0.1.0', ['v0.1.0']);
  }).toThrow('expected a version without a tag');
});

test('a prerelease is not published as latest', () => {
  expect(distTag('1.0.0')).toBe('latest');
  expect(distTag('1.0.0-rc.1')).toBe('rc');
  expect(distTag('1.0.0-1')).toBe('next');
  expect(publishCommand('1.0.0').join(' ')).toBe('npm publish --provenance --access public --tag latest');
  expect(publishCommand('1.0.0-rc.1', { dryRun: true }).join(' ')).toBe(
    'npm publish --dry-run --access public --tag rc',
  );
});

test('only the tag of the version in package.json is published', () => {
  checkTag('v0.2.0', '0.2.0');
  expect(() => {
    checkTag('v0.2.1', '0.2.0');
  }).toThrow('expected the tag v0.2.0');
});

test('the version is set in package.json and in both places of the lockfile', () => {
  expect(setVersion('{ "name": "a", "version": "0.1.0" }', '0.2.0')).toBe(
    '{\n  "name": "a",\n  "version": "0.2.0"\n}\n',
  );
  const lock = {
    name: 'a',
    version: '0.1.0',
    packages: { '': { version: '0.1.0' }, 'node_modules/b': { version: '1.0.0' } },
  };
  expect(JSON.parse(setVersion(JSON.stringify(lock), '0.2.0'))).toEqual({
    name: 'a',
    version: '0.2.0',
    packages: { '': { version: '0.2.0' }, 'node_modules/b': { version: '1.0.0' } },
  });
});
