/** Safetensors are not written under the name of another format. */
import { expect, test } from '@jest/globals';
import { packCommand } from '../../src/cli/pack.js';
import { fuseCommand } from '../../src/cli/fuse.js';
import { requireSafetensorsName } from '../../src/cli/safetensorsOutput.js';
import { ParamError } from '../../src/core/errors.js';

const refused = (op: string, ending: string, hint: string): unknown =>
  expect.objectContaining({
    ...{ name: ParamError.name, op, expected: 'a file of safetensors to write', got: `the ending ${ending}`, hint },
  });

test.each(['.onnx', '.pth', '.pt', '.pdparams'])('%s is a job for convert', (ending) => {
  const hint = `Write net.safetensors, then: vanillanet convert net.safetensors out/net${ending}.`;
  expect(() => {
    requireSafetensorsName(`out/net${ending}`);
  }).toThrow(refused(`out/net${ending}`, ending, hint));
});

test.each(['.h5', '.keras', '.npz', '.bin', '.ckpt', '.tflite', '.pb'])('%s is written by no command', (ending) => {
  expect(() => {
    requireSafetensorsName(`net${ending.toUpperCase()}`);
  }).toThrow(refused(`net${ending.toUpperCase()}`, ending, 'Write net.safetensors.'));
});

test.each(['net.safetensors', 'net', 'net.v2', '.onnx', 'net.onnx.safetensors'])('%s is a name', (name) => {
  expect(() => {
    requireSafetensorsName(name);
  }).not.toThrow();
});

test.each([
  ['fuse', fuseCommand],
  ['pack', packCommand],
])('%s refuses it before it reads anything', async (_, command) => {
  const run = command().parseAsync(['missing.safetensors', 'net.onnx', '-d', 'float16'], { from: 'user' });
  await expect(run).rejects.toThrow(expect.objectContaining({ op: 'net.onnx', got: 'the ending .onnx' }));
});

test('pack does not write over its input', async () => {
  const run = packCommand().parseAsync(['same.safetensors', './same.safetensors', '-d', 'float16'], { from: 'user' });
  await expect(run).rejects.toThrow(expect.objectContaining({ name: 'ParamError', op: './same.safetensors' }));
});
