/** The fuzzer tries every function that an entry exports. */
import { expect, test } from '@jest/globals';
import * as reference from '../../reference/index.js';
import * as core from '../../src/entries/core.js';
import * as index from '../../src/entries/index.js';
import * as node from '../../src/entries/node.js';
import * as ops from '../../src/entries/ops.js';
import * as tfjs from '../../src/entries/tfjs.js';
import * as train from '../../src/entries/train.js';
import { functionsOf } from './entry.js';
import { TARGETS } from './targets/index.js';

const NAMES = TARGETS.map(({ name }) => name);

test('the names of targets are unique', () => {
  expect(NAMES.filter((name, i) => NAMES.indexOf(name) !== i)).toEqual([]);
});

test.each(Object.entries({ reference, core, index, node, ops, tfjs, train }))(
  'every function of %s is a target',
  (entry, module) => {
    // The main entry exports the functions of core again.
    const others: object = entry === 'index' ? core : {};
    const isOther = (name: string): boolean =>
      (others as Record<string, unknown>)[name] === (module as Record<string, unknown>)[name];
    const missing = functionsOf(module).filter((name) => !isOther(name) && !NAMES.includes(`${entry}.${name}`));
    expect(missing).toEqual([]);
  },
);
