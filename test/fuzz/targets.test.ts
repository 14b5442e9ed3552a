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

const ENTRIES: Readonly<Record<string, object>> = { reference, core, index, node, ops, tfjs, train };

/** An export of a module by its name. */
const exportOf = (module: object, name: string): unknown => (module as Readonly<Record<string, unknown>>)[name];

/** The functions that are targets. Some entries export those of others again. */
const covered = new Set(
  Object.entries(ENTRIES).flatMap(([entry, module]) =>
    functionsOf(module)
      .filter((name) => NAMES.includes(`${entry}.${name}`))
      .map((name) => exportOf(module, name)),
  ),
);

test.each(Object.entries(ENTRIES))('every function of %s is a target', (_, module) => {
  expect(functionsOf(module).filter((name) => !covered.has(exportOf(module, name)))).toEqual([]);
});
