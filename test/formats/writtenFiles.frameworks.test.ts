/** PyTorch and PaddlePaddle read what is written here with every bit, if there is a Python with them. */
import { describe, expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { outputFormat } from '../../src/formats/exportWeights.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { ZipWriter } from '../../src/formats/zipWriter.js';
import { testWith } from '../frameworks/frameworks.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { describeTensors, NETWORKS, type Described } from './writtenFiles.js';

const SCRIPT = fileURLToPath(new URL('written_files.py', import.meta.url));
const path = temporaryFolder();
const run = promisify(execFile);

type Content = Readonly<Record<string, readonly (readonly [string, Described])[]>>;

async function readBy(interpreter: string, framework: string, files: readonly string[]): Promise<Content> {
  const { stdout } = await run(interpreter, [SCRIPT, framework, ...files.map((file) => path(file))]);
  return JSON.parse(stdout.trimEnd().replace(/^[^]*\n/, '')) as Content;
}

const FILES = Object.entries(NETWORKS);

testWith('PyTorch', 'torch.load has every bit, and load_state_dict takes it', async (interpreter) => {
  const expected: [string, [string, Described][]][] = [];
  for (const [name, { config, tensors }] of FILES) {
    const { in_chans, dims, strides, num_classes, act_num, form, lambda } = config;
    for (const file of [`${name}.pth`, `${name} ö.pt`]) {
      await outputFormat(file).write(path(file), tensors, config);
      await writeFile(
        path(`${file}.json`),
        JSON.stringify({ in_chans, dims, strides, num_classes, act_num, form, slope: lambda }),
      );
      expected.push([file, await describeTensors(tensors)]);
    }
  }
  const files = expected.map(([file]) => file);
  expect(Object.entries(await readBy(interpreter, 'torch', files))).toEqual(expected);
});

testWith('PyTorch', 'an archive of PyTorch that is written again has the same tensors', async (interpreter) => {
  const { config, tensors } = NETWORKS.train;
  await outputFormat('again.pth').write(path('again.pth'), tensors, config);
  const script = 'import sys, torch; torch.save(torch.load(sys.argv[1], weights_only=True), sys.argv[2])';
  await run(interpreter, ['-c', script, path('again.pth'), path('saved.pth')]);
  const weights = await importWeights(path('saved.pth'), { config });
  const read = [...weights.tensors].map(([name, tensor], i) => ({ ...tensors[i], name, read: () => tensor.read() }));
  expect(await describeTensors(read)).toEqual(await describeTensors(tensors));
  await weights.close();
});

testWith('PaddlePaddle', 'paddle.load has every bit', async (interpreter) => {
  const expected: [string, [string, Described][]][] = [];
  for (const [name, { config, tensors }] of FILES) {
    const file = `${name}.pdparams`;
    await outputFormat(file).write(path(file), tensors, config);
    const described = await describeTensors(tensors.filter(({ dtype }) => dtype !== 'I64'));
    expected.push([
      file,
      described.map(([key, value]) => [
        key.replace('running_mean', '_mean').replace('running_var', '_variance'),
        value,
      ]),
    ]);
  }
  const files = expected.map(([file]) => file);
  expect(Object.entries(await readBy(interpreter, 'paddle', files))).toEqual(expected);
});

describe('zip archives', () => {
  testWith('zipfile', 'that begin beyond 4 GiB are those of zipfile', async (interpreter) => {
    const file = path('large.zip');
    const at = 2 ** 32 + 10;
    await writeFile(file, '');
    await truncate(file, at);
    const archive = new ZipWriter(at);
    const content = Buffer.from('content');
    for await (const bytes of archive.record('a/é', content.length, [content])) await appendFile(file, bytes);
    for (const bytes of archive.end()) await appendFile(file, bytes);
    const script = [
      'import json, sys, zipfile',
      'z = zipfile.ZipFile(sys.argv[1])',
      'print(json.dumps([z.testzip(), [[i.filename, i.header_offset, z.read(i).decode()] for i in z.infolist()]]))',
    ].join('\n');
    const { stdout } = await run(interpreter, ['-c', script, file]);
    expect(JSON.parse(stdout)).toEqual([null, [['a/é', at, 'content']]]);
  });
});
