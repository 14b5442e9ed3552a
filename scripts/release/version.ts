/** Semantic versions: https://semver.org */
import { ScriptError } from '../scriptError.js';

const NUMBER = '(0|[1-9]\\d*)';
const SEMVER = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`);

/** The numbers of a version, and the identifiers of a prerelease. @throws ScriptError */
function parse(version: string): { readonly numbers: number[]; readonly prerelease: string[] } {
  const match = SEMVER.exec(version);
  if (match === null) {
    const hint = 'Write it without a v, for example 0.2.0 or 1.0.0-rc.1.';
    throw new ScriptError({ op: 'release', expected: 'a semantic version', got: version, hint });
  }
  const [, major, minor, patch, prerelease] = match as (string | undefined)[];
  return { numbers: [major, minor, patch].map(Number), prerelease: prerelease?.split('.') ?? [] };
}

/** As SemVer orders identifiers: numbers by value and before words. */
function compareIdentifiers(a: string, b: string): number {
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}

/** Negative if a comes before b, 0 if they are equal. @throws ScriptError for what is no version */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  const difference = left.numbers.map((number, i) => number - right.numbers[i]).find((d) => d !== 0);
  if (difference !== undefined) return difference;
  // A prerelease comes before its release.
  if (left.prerelease.length === 0 || right.prerelease.length === 0) {
    return right.prerelease.length - left.prerelease.length;
  }
  for (let i = 0; i < Math.min(left.prerelease.length, right.prerelease.length); i++) {
    const order = compareIdentifiers(left.prerelease[i], right.prerelease[i]);
    if (order !== 0) return order;
  }
  return left.prerelease.length - right.prerelease.length;
}

/**
 * @param current the version in package.json
 * @param tags of all releases
 * @throws ScriptError unless `version` can come next: not released yet, and not before `current`
 */
export function checkVersion(version: string, current: string, tags: readonly string[]): void {
  if (compareVersions(version, current) < 0) {
    throw new ScriptError({ op: 'release', expected: `a version from ${current} on`, got: version });
  }
  if (tags.includes(`v${version}`)) {
    const hint = 'Choose the next version: a published one cannot be replaced.';
    throw new ScriptError({ op: 'release', expected: 'a version without a tag', got: `v${version}`, hint });
  }
}

/** The dist-tag on npm: `latest`, or for a prerelease its first word, such as `rc`. */
export function distTag(version: string): string {
  const { prerelease } = parse(version);
  return prerelease.length === 0 ? 'latest' : (prerelease.find((part) => !/^\d+$/.test(part)) ?? 'next');
}

interface Manifest {
  version: string;
  packages?: Record<string, { version?: string } | undefined>;
}

/** package.json or package-lock.json with another version, formatted as npm does. */
export function setVersion(json: string, version: string): string {
  const manifest = JSON.parse(json) as Manifest;
  manifest.version = version;
  const own = manifest.packages?.[''];
  if (own !== undefined) own.version = version;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
