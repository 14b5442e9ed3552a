/** Networks of PyTorch, narrow and at full width: converted and fused, they have PyTorch's logits. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { describeWith } from './frameworks.js';
import {
  compareFused,
  converted,
  differenceOfDeploy,
  float64sIn,
  jobFor,
  VARIANT_NAMES,
  writeNetworks,
  type Job,
} from './torchNetworks.js';

const path = temporaryFolder();

const narrow = VARIANT_NAMES.map((variant, i) => jobFor(variant, 64, 10, i));
const full = [jobFor('vanillanet_5', 1, 1000, 50), jobFor('vanillanet_13', 1, 1000, 130)];

/** Measured differences, which are printed: bounds are far from them. */
function print(name: string, values: Readonly<Record<string, number>>): void {
  const parts = Object.entries(values).map(([key, value]) => `${key} ${value.toPrecision(2)}`);
  process.stdout.write(`${name}: ${parts.join(', ')}\n`);
}

/** Both forms of a network against PyTorch. */
async function judge({ name, variant, dims, strides, ada_pool }: Job): Promise<void> {
  const train = await converted(path(`${name}.pth`), path(`${name}.safetensors`));
  expect(train.config).toMatchObject({ dims, strides, ada_pool, form: 'train', lambda: 1 });
  expect(train.recognition).toMatchObject({ writer: "VanillaNet's official code", missing: [], unexpected: [] });
  const measured = await compareFused(train, await float64sIn(path(`${name}.logits`)));

  // A state_dict does not say how a network pools.
  const stated = ada_pool === null ? {} : { dims, strides, ada_pool };
  const deploy = await converted(path(`${name}.deploy.pth`), path(`${name}.deploy.safetensors`), stated);
  expect(deploy.config).toMatchObject({ dims, strides, ada_pool, form: 'deploy' });
  const ofDeploy = await differenceOfDeploy(deploy, await float64sIn(path(`${name}.deploy.logits`)));
  print(variant, { ...measured, ofDeploy });
  expect(ofDeploy).toBeLessThanOrEqual(measured.bound);
}

describeWith('PyTorch', (interpreter) => {
  describe('a 64th of the channels', () => {
    beforeAll(() => writeNetworks(interpreter, path(), narrow));

    test.each(narrow)('$variant', judge);
  });

  describe('at full width', () => {
    // Some hundred megabytes each.
    afterEach(async () => {
      for (const { name } of full) {
        for (const ending of ['.pth', '.safetensors', '.deploy.pth', '.deploy.safetensors']) {
          await rm(path(name + ending), { force: true });
        }
      }
    });

    const minutes = 60_000;
    const judgeFull = async (job: Job): Promise<void> => {
      await writeNetworks(interpreter, path(), [job]);
      await judge(job);
    };
    test.each(full)('$variant', judgeFull, 20 * minutes);
  });
});
