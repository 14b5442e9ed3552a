import { beforeAll, describe, expect, test } from '@jest/globals';
import { instantiate } from '../../../src/wasm/module.js';
import { opsBytesOf } from '../../../src/wasm/ops/build.js';
import { OPS, type OpsExports } from '../../../src/wasm/ops/kernels.js';
import { openOps, type WasmOps } from '../../../src/wasm/ops/openOps.js';
import { BUILDS } from '../builds.js';
import { judge, findMismatch } from '../judge.js';
import { runSample } from './memory.js';
import { SWEEP, TABLE } from './samples.js';
import { throughOps } from './throughOps.js';

describe.each(BUILDS.flatMap((build) => [TABLE, SWEEP].map((samples) => ({ build, samples }))))(
  '$build, $samples.length samples',
  ({ build, samples }) => {
    let ops: WasmOps;
    beforeAll(async () => {
      ops = await openOps({ build });
    });

    test.each(samples.map((sample) => [sample.label, sample] as const))('%s', (_label, sample) => {
      const expected = judge(sample.call, sample);
      const y = throughOps(ops, sample);
      expect(y.shape).toEqual(expected.shape);
      expect(findMismatch(y.data, expected)).toBeNull();
    });
  },
);

describe('memory', () => {
  let plain: OpsExports;
  beforeAll(async () => {
    plain = await instantiate(OPS, opsBytesOf('plain'));
  });

  test.each([...TABLE, ...SWEEP].map((sample) => [sample.label, sample] as const))('%s', (_label, sample) => {
    const first = runSample(plain, sample);
    expect(first.strayWrites).toEqual([]);
    expect(findMismatch(first.y, judge(sample.call, sample))).toBeNull();
    const second = runSample(plain, sample);
    expect(new Uint8Array(second.y.buffer)).toEqual(new Uint8Array(first.y.buffer));
  });

  test('does not grow over 1000 runs', () => {
    for (const sample of TABLE) runSample(plain, sample);
    const { byteLength } = plain.memory.buffer;
    for (let i = 0; i < 1000; i++) runSample(plain, TABLE[i % TABLE.length]);
    expect(plain.memory.buffer.byteLength).toBe(byteLength);
  });
});
