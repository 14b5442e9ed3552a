/** A training that leaves the numbers ends as such, and leaves nothing that could not be read. */
import { expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { PATIENCE, vanillanet } from './commandLine.js';

const path = temporaryFolder();

/** One step, whose loss is that before it. */
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--size', '16', '--dims', '4,6', '--strides', '2', '--limit', '10'],
  ...['--batch-size', '10', '--epochs', '1', '--decay-epochs', '0', '--output', output, ...more],
];
const weightsIn = async (output: string): Promise<string[]> =>
  (await readdir(path(output))).filter((name) => name.endsWith('.safetensors'));

test.each(['wasm', 'reference'])(
  'by %s: weights that are no numbers are not written',
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
  'a validation loss that is no number ends the run, and the checkpoint before it stays',
  async () => {
    const args = train('held', '--lr', '1e30', '--val-limit', '20', '--checkpoint-every', '0');
    const { status, stdout, stderr } = await vanillanet(args, path());
    expect(stderr).toMatch(
      /^TrainingError: the network on held-out images, after epoch 1, step 1: expected a finite loss, got NaN, first at st\S+/,
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(/\nkept {3}checkpoint-00000001\.safetensors in held\n$/);
    expect(await weightsIn('held')).toEqual(['checkpoint-00000001.safetensors']);
    // It can be gone on with: its weights are huge, and are numbers. What comes of it is the same.
    const again = await vanillanet([...args, '--resume'], path());
    expect([again.status, again.stderr]).toEqual([1, stderr]);
    expect(again.stdout).toContain('\nresume after 1 steps, in epoch 1\n');
    expect(await weightsIn('held')).toEqual(['checkpoint-00000001.safetensors']);
  },
  PATIENCE,
);
