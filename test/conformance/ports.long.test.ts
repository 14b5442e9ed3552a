/** The table of conformance/README.md is true of this package. ports.frameworks.test.ts has the ports in Python. */
import { describe, expect, test } from '@jest/globals';
import { judgeCase } from '../../conformance/judge.js';
import type { Port } from '../../conformance/port.js';
import { reference } from '../../conformance/ports/reference.js';
import { openTfjs } from '../../conformance/ports/tfjs.js';
import { openWasm } from '../../conformance/ports/wasm.js';
import { GROUPS, readGroup } from '../../conformance/vectors.js';
import { allPass, count, type Result } from './portTable.js';

async function judgeOwn(port: Port): Promise<Result> {
  const verdicts: [string, string][] = [];
  for (const each of GROUPS.flatMap((group) => readGroup(group))) {
    verdicts.push([each.name, (await judgeCase(port, each)).kind]);
  }
  return count(verdicts);
}

const hasRelaxed = Number(process.versions.node.split('.')[0]) >= 22;

describe('this package', () => {
  test('the reference', async () => {
    expect(await judgeOwn(reference)).toEqual(allPass('reference'));
  });

  test('the plain WebAssembly build', async () => {
    expect(await judgeOwn(await openWasm('plain'))).toEqual(allPass('WebAssembly'));
  });

  (hasRelaxed ? test : test.skip)('the relaxed WebAssembly build', async () => {
    expect(await judgeOwn(await openWasm('relaxed'))).toEqual(allPass('WebAssembly'));
  });

  test('TensorFlow.js', async () => {
    expect(await judgeOwn(await openTfjs())).toEqual(allPass('TensorFlow.js (engine in JavaScript)'));
  });
});
