/** Compares what is read of files that PyTorch and PaddlePaddle have written with what they had in Python. */
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WeightsError } from '../../src/core/errors.js';
import type { FileFacts } from '../../src/formats/foreignFile.js';
import { openForeign } from '../../src/formats/openForeign.js';
import { refusal } from '../io/refusal.js';

/** The path of a committed file or script. */
export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

type Group = Readonly<Record<string, { dtype: string; shape: readonly number[]; values: string }>>;
type Expected = Readonly<Record<string, Readonly<Record<string, Group>>>>;

interface Content {
  readonly format: string;
  readonly facts: FileFacts;
  /** Groups by their keys, joined by dots; the order of tensors counts. */
  readonly groups: readonly (readonly [path: string, tensors: readonly (readonly [string, Group[string]])[]])[];
}

async function contentOf(file: string): Promise<Content> {
  const opened = await openForeign(file);
  if (opened === null) throw new Error(`${file} is not recognized`);
  const groups: [string, [string, Group[string]][]][] = [];
  for (const { path: keys, tensors } of opened.groups) {
    const described: [string, Group[string]][] = [];
    for (const [name, tensor] of tensors) {
      const { dtype, shape } = tensor;
      const data = await tensor.read();
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      described.push([name, { dtype, shape, values: createHash('sha256').update(bytes).digest('hex') }]);
    }
    groups.push([keys.join('.'), described]);
  }
  await opened.close();
  return { format: opened.format, facts: opened.facts, groups };
}

const expectedOf = async (folder: string, framework: string): Promise<Expected> =>
  JSON.parse(await readFile(join(folder, `${framework}.json`), 'utf8')) as Expected;

const entriesOf = (groups: Readonly<Record<string, Group>>): Content['groups'] =>
  Object.entries(groups).map(([key, tensors]) => [key, Object.entries(tensors)] as const);

const OFFICIAL: FileFacts = {
  ...{ model: 'vanillanet_5', nb_classes: 2, act_num: 3, drop: 0, input_size: 224, crop_pct: null },
  ...{ decay_epochs: 100, decay_linear: true, epoch: 7 },
};

/** Files that are refused: what they are, and what to do. */
const REFUSED: readonly (readonly [file: string, got: string, hint: string])[] = [
  ['whole.pth', 'torch.nn.modules.container.Sequential', 'torch.save(model.state_dict(), "net.pth")'],
  ['script.pt', 'a TorchScript program', 'torch.jit.load(FILE, map_location="cpu").state_dict()'],
  ['exported.pt2', 'a program of torch.export', 'torch.export.load(FILE).state_dict'],
];

function judge(framework: 'torch' | 'paddle', folder: () => string): void {
  test('all values and their order', async () => {
    const expected = await expectedOf(folder(), framework);
    expect(Object.keys(expected).length).toBeGreaterThan(6);
    for (const [name, groups] of Object.entries(expected)) {
      const content = await contentOf(join(folder(), name));
      expect([name, content.groups]).toEqual([name, entriesOf(groups)]);
    }
  });
}

/** Defines the tests of a folder that torch_files.py has written. */
export function judgeTorch(folder: () => string): void {
  judge('torch', folder);

  test.each(['official.pth', 'deflated.pth', 'legacy.pth'])('facts of %s', async (name) => {
    const { facts, format } = await contentOf(join(folder(), name));
    expect(facts).toEqual(OFFICIAL);
    expect(format).toBe(`PyTorch checkpoint (${name === 'legacy.pth' ? 'legacy format' : 'zip'})`);
  });

  test('no facts', async () => {
    expect((await contentOf(join(folder(), 'views.pth'))).facts).toEqual({});
  });

  test.each(REFUSED)('refuses %s: %s', async (name, got, hint) => {
    const opened = openForeign(join(folder(), name));
    await expect(opened).rejects.toThrow(refusal(WeightsError, name, '', got));
    await expect(opened).rejects.toMatchObject({ hint: expect.stringContaining(hint) });
  });
}

/** Defines the tests of a folder that paddle_files.py has written. */
export function judgePaddle(folder: () => string): void {
  judge('paddle', folder);

  test('facts', async () => {
    const { facts, format } = await contentOf(join(folder(), 'tuples4.pdparams'));
    expect([facts, format]).toEqual([{ epoch: 3 }, 'PaddlePaddle parameters (.pdparams)']);
  });

  test('refuses the state of an optimizer', async () => {
    await expect(openForeign(join(folder(), 'refused.pdopt'))).rejects.toThrow(
      refusal(WeightsError, 'refused.pdopt', 'weights', 'the state of an optimizer'),
    );
  });
}
