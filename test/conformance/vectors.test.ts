/** This package agrees with the vectors. ports.long.test.ts has the other ports. */
import { describe, expect, test } from '@jest/globals';
import { judgeCase } from '../../conformance/judge.js';
import { reference } from '../../conformance/ports/reference.js';
import { openWasm } from '../../conformance/ports/wasm.js';
import { readGroup, type Group } from '../../conformance/vectors.js';

describe('the reference', () => {
  test.each<Group>(['ops', 'blocks'])('passes all %s', async (group) => {
    const cases = readGroup(group);
    for (const each of cases) {
      expect([each.name, await judgeCase(reference, each)]).toMatchObject([each.name, { kind: 'passes', missing: [] }]);
    }
    expect(cases.length).toBeGreaterThan(3);
  });
});

test('the codes of weights and pictures are those of the vectors', async () => {
  const wasm = await openWasm('plain');
  for (const each of [...readGroup('quantization'), ...readGroup('images')]) {
    // Pictures are equal to the byte.
    const ratio = 0;
    expect([each.name, await judgeCase(wasm, each)]).toEqual([each.name, { kind: 'passes', ratio, missing: [] }]);
  }
});

test('every known fault has a description, and changes an output', () => {
  const faults = (['ops', 'blocks', 'quantization', 'images'] as const)
    .flatMap((group) => readGroup(group))
    .flatMap((each) =>
      each.faults.map((fault) => {
        const changed = [...fault.outputs].some(([name, { values }]) =>
          values.data.some((v, i) => v !== each.outputs.get(name)?.values.data[i]),
        );
        return { name: `${each.name} ${fault.name}`, described: fault.description.length > 10, changed };
      }),
    );
  expect(faults.filter(({ described, changed }) => !described || !changed)).toEqual([]);
  expect(faults.length).toBeGreaterThan(20);
});
