/** Dumps of PyTorch, by the script in examples/pytorch, of both forms and of two mistakes of porting. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ModelConfig } from '../../src/core/config.js';
import { compare } from '../../src/diff/compare.js';
import type { Verdict } from '../../src/diff/comparison.js';
import { readDump, outputsOfDump } from '../../src/diff/dump.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';

const python = process.env.VANILLANET_PYTHON;
const NETWORK = fileURLToPath(new URL('network.py', import.meta.url));
const path = temporaryFolder();

const configs = { deploy: drawnConfig('deploy', { act_num: 2 }), train: drawnConfig('train', { lambda: 0.25 }) };
const x = drawnImages(configs.train, 2);

interface Job {
  readonly form: keyof typeof configs;
  readonly fault?: object;
}

const JOBS: Readonly<Record<string, Job>> = {
  deploy: { form: 'deploy' },
  train: { form: 'train' },
  transposed: { form: 'deploy', fault: { kind: 'transposed', module: 'stages.0.act' } },
  // Ten times ε changes a variance of 1 by nine roundings.
  eps: { form: 'train', fault: { kind: 'eps', module: 'stages.1.conv2.1', eps: 1e-4 } },
};

/** The configuration as network.py reads it. */
function jobOf(name: string, { form, fault }: Job): object {
  const { in_chans, dims, strides, num_classes, act_num, lambda } = configs[form];
  const network = { in_chans, dims, strides, num_classes, act_num, form, slope: lambda };
  const files = { weights: path(`${form}.safetensors`), input: path('x.safetensors'), dump: path(`${name}.dump`) };
  return { network, ...files, ...(fault === undefined ? {} : { fault }) };
}

async function verdictOn(name: string, config: ModelConfig): Promise<Verdict> {
  const { state } = await readWeights(path(`${config.form}.safetensors`));
  const outputs = outputsOfDump(await readDump(path(`${name}.dump`)), config, x);
  return compare(state, config, x, [{ name, ...outputs }]).verdicts[0];
}

// PYTHON names an interpreter with PyTorch.
const title = python === undefined ? 'PyTorch: VANILLANET_PYTHON names no Python with torch' : 'PyTorch';
(python === undefined ? describe.skip : describe)(title, () => {
  beforeAll(async () => {
    for (const config of Object.values(configs)) {
      await writeWeights(path(`${config.form}.safetensors`), drawnState(config), config, { dtype: 'float32' });
    }
    await writeFile(path('x.safetensors'), encodeSafetensors(new Map([['x', x]])));
    await writeFile(path('jobs.json'), JSON.stringify(Object.entries(JOBS).map(([name, job]) => jobOf(name, job))));
    await promisify(execFile)(python ?? '', [NETWORK, path('jobs.json')]);
  });

  test.each(['deploy', 'train'] as const)('the %s form agrees, module by module', async (form) => {
    const { first, missing, unknown, layers, worst } = await verdictOn(form, configs[form]);
    expect([first, missing, unknown]).toEqual([null, [], []]);
    expect(layers).toHaveLength(form === 'deploy' ? 10 : 21);
    // There are errors, and the bound is at most some hundred times larger.
    expect(worst?.worst.ratio).toBeGreaterThan(0.01);
  });

  test('finds a transposed kernel', async () => {
    const { first, layers } = await verdictOn('transposed', configs.deploy);
    expect([first, layers.filter(({ outside }) => outside > 0).length]).toEqual(['stages.0.act', 1]);
  });

  test("finds a norm with another framework's ε", async () => {
    const { first, layers } = await verdictOn('eps', configs.train);
    expect([first, layers.filter(({ outside }) => outside > 0).length]).toEqual(['stages.1.conv2.1', 1]);
  });
});
