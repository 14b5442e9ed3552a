/** The place of a build, and the workaround for Node 23 and later. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import util from 'node:util';
import { CPU, GPU } from '../../scripts/tfjsNode/flavor.js';
import { locationOf, ROOT } from '../../scripts/tfjsNode/location.js';
import { mendNodeUtil } from '../../src/runtime/nodeUtil.js';

const read = (path: string): Record<string, Record<string, string>> =>
  JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Record<string, Record<string, string>>;

test.each([CPU, GPU])('$specifier is the path of the build, and the version is pinned', (flavor) => {
  const { imports } = read('package.json');
  const { built, entry } = locationOf(flavor);
  expect(join(ROOT, imports[flavor.specifier])).toBe(join(built, entry));
  const { dependencies } = read(`engines/${flavor.name}/package.json`);
  expect(dependencies[`@tensorflow/${flavor.name}`]).toBe('4.22.0');
});

test('functions that Node 23 removed from node:util are restored, and others stay', () => {
  const older = util as Record<string, unknown>;
  const [isNullOrUndefined, isArray] = [older['isNullOrUndefined'], older['isArray']];
  try {
    older['isNullOrUndefined'] = undefined;
    older['isArray'] = isArray ?? Array.isArray;
    mendNodeUtil();
    const mended = older['isNullOrUndefined'] as (value: unknown) => boolean;
    expect([null, undefined, 0, ''].map(mended)).toEqual([true, true, false, false]);
    expect(older['isArray']).toBe(isArray ?? Array.isArray);
  } finally {
    Object.assign(older, { isNullOrUndefined, isArray });
  }
});
