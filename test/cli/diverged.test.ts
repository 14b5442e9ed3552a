/** Trainings that diverge end with an error, and leave readable files only. */
import { expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { PATIENCE, vanillanet } from './commandLine.js';

const path = temporaryFolder();

/** One step: its loss is that before the step. */
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--size', '16', '--dims', '4,6', '--strides', '2', '--limit', '10'],
  ...['--batch-size', '10', '--epochs', '1', '--decay-epochs', '0', '--output', output, ...more],
];
const weightsIn = async (output: string): Promise<string[]> =>
  (await readdir(path(output))).filter((name) => name.endsWith('.safetensors'));

test.each(['wasm', 'reference'])(
  '%s does not write weights with NaN',
  async (backend) => {
    const { status, stdout, stderr } = await vanillanet(
      train(backend, '--backend', backend, '--lr', '1e300', '--val-limit', '0'),
      path(),
    );
    expect(stderr).toMatch(/^TrainingError: epoch 1, step 1: expected finite weights, got .* of stem1\.0\.weight/);
    expect(status).toBe(1);
    expect(stdout).toMatch(/\nkept {3}no weights in \w+\n$/);
    expect(await weightsIn(backend)).toEqual([]);
  },
  PATIENCE,
);

test(
  'a validation loss of NaN ends the run, and the previous checkpoint is kept',
  async () => {
    const args = train('held', '--lr', '1e30', '--val-limit', '20', '--checkpoint-every', '0');
    const { status, stdout, stderr } = await vanillanet(args, path());
    expect(stderr).toMatch(
      /^TrainingError: the network on held-out images, after epoch 1, step 1: expected a finite loss, got NaN, first at st\S+/,
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(/\nkept {3}checkpoint-00000001\.safetensors in held\n$/);
    expect(await weightsIn('held')).toEqual(['checkpoint-00000001.safetensors']);
    // The checkpoint has huge, finite weights. Resuming it fails in the same way.
    const again = await vanillanet([...args, '--resume'], path());
    expect([again.status, again.stderr]).toEqual([1, stderr]);
    expect(again.stdout).toContain('\nresume after 1 steps, in epoch 1\n');
    expect(await weightsIn('held')).toEqual(['checkpoint-00000001.safetensors']);
  },
  PATIENCE,
);
