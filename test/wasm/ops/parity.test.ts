import { beforeAll, describe, expect, test } from '@jest/globals';
import { instantiate } from '../../../src/wasm/module.js';
import { opsBytesOf } from '../../../src/wasm/ops/build.js';
import { OPS, type OpsExports } from '../../../src/wasm/ops/kernels.js';
import { openOps, type WasmOps } from '../../../src/wasm/ops/openOps.js';
import { BUILDS } from '../builds.js';
import { judge, findMismatch, type Verdict } from '../judge.js';
import { runSample } from './memory.js';
import { SWEEP, TABLE, type Sample } from './samples.js';
import { throughOps } from './throughOps.js';

const verdicts = new Map<Sample, Verdict>();

/** The same for every build. */
function verdictOf(sample: Sample): Verdict {
  const verdict = verdicts.get(sample) ?? judge(sample.call, sample);
  verdicts.set(sample, verdict);
  return verdict;
}

describe.each(BUILDS.flatMap((build) => [TABLE, SWEEP].map((samples) => ({ build, samples }))))(
  '$build, $samples.length samples',
  ({ build, samples }) => {
    let ops: WasmOps;
    beforeAll(async () => {
      ops = await openOps({ build });
    });

    test.each(samples.map((sample) => [sample.label, sample] as const))('%s', (_label, sample) => {
      const expected = verdictOf(sample);
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
    expect(findMismatch(first.y, verdictOf(sample))).toBeNull();
    const second = runSample(plain, sample);
    expect(new Uint8Array(second.y.buffer)).toEqual(new Uint8Array(first.y.buffer));
  });

  test('does not grow over 1000 runs', async () => {
    // A sample for each op, in a memory as small as these need: every run looks through all of it.
    const samples = [...new Map(TABLE.map((sample) => [sample.call.op, sample])).values()];
    const kernels = await instantiate(OPS, opsBytesOf('plain'));
    for (const sample of samples) runSample(kernels, sample);
    const { byteLength } = kernels.memory.buffer;
    for (let i = 0; i < 1000; i++) runSample(kernels, samples[i % samples.length]);
    expect(kernels.memory.buffer.byteLength).toBe(byteLength);
  });
});
