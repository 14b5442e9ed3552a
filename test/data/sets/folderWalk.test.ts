import { describe, expect, test } from '@jest/globals';
import { DataError } from '../../../src/core/errors.js';
import {
  FolderWalk,
  MAX_PATHS,
  MAX_REPEATED_CHARACTERS,
  MAX_REPEATED_NAMES,
} from '../../../src/data/sets/folderWalk.js';
import { refusal } from '../../io/refusal.js';

const HINT = 'Remove links to folders that are in it already.';

describe('a walk through folders', () => {
  test('says whether another path led to a folder before', () => {
    const walk = new FolderWalk('set');
    expect([walk.enter('1', 'a/', 1), walk.enter('2', 'b/', 1), walk.enter('1', 'c/', 1)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(MAX_PATHS).toBe(100);
  });

  test('repeats 1,000,000 names, not more', () => {
    const walk = new FolderWalk('set');
    expect(MAX_REPEATED_NAMES).toBe(1_000_000);
    for (let i = 0; i < MAX_REPEATED_NAMES; i++) walk.addRepeated('a/1');
    const add = (): void => {
      walk.addRepeated('a/1');
    };
    expect(add).toThrow(refusal(DataError, 'set: a/1', 'at most 1000000 names that links repeat', 'more'));
    expect(add).toThrow(expect.objectContaining({ hint: HINT }));
  });

  test('repeats 100,000,000 characters of names, not more', () => {
    const walk = new FolderWalk('set');
    expect(MAX_REPEATED_CHARACTERS).toBe(100_000_000);
    const name = 'n'.repeat(4000);
    for (let i = 0; i < MAX_REPEATED_CHARACTERS / name.length; i++) walk.addRepeated(name);
    expect(() => {
      walk.addRepeated('a');
    }).toThrow(refusal(DataError, 'set: a', 'at most 100000000 characters of names that links repeat', 'more'));
    expect(() => {
      walk.addRepeated(name);
    }).toThrow(expect.objectContaining({ op: `set: ${name.slice(0, 256)}` }));
  });
});
