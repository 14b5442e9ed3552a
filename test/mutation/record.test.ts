/** The record of the mutation tests (`npm run test:mutants -- --write`) is complete. */
import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { MutationRecord } from '../../scripts/mutation/record.js';
import { GUARDED, ROOMS, ROOT, sourcesOf, testsOf, THRESHOLD } from '../../scripts/mutation/rooms.js';

const record = new MutationRecord();

test('every survivor has a reason', () => {
  expect(ROOMS.flatMap(sourcesOf).flatMap((file) => record.unexplained(file))).toEqual([]);
});

test.each(GUARDED.filter((room) => record.has(room)))('enough mutants of %s are found', (room) => {
  const { killed, mutants } = record.score(room);
  expect(killed / mutants).toBeGreaterThanOrEqual(THRESHOLD);
});

test.each(ROOMS)('%s has files to mutate, and tests', (room) => {
  expect(sourcesOf(room).length).toBeGreaterThan(0);
  expect(testsOf(room).length).toBeGreaterThan(0);
  expect(testsOf(room).filter((file) => !existsSync(`${ROOT}/${file}`))).toEqual([]);
});
