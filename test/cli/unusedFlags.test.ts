/** Flags without effect on the backend or the data. */
import { expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { refuseUnusedFlags } from '../../src/cli/unusedFlags.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { hosted, PATIENCE } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

test.each([
  ['reference', 'pets', 'build', '--build', '--backend wasm', 'reference'],
  ['tfjs:cpu', 'pets', 'threads', '--threads', '--backend wasm', 'tfjs:cpu'],
  ['wasm', 'shapes', 'valSplit', '--val-split', '--data with image files', 'shapes, which are drawn'],
  ['wasm', 'shapes', 'onBadImage', '--on-bad-image', '--data with image files', 'shapes, which are drawn'],
  ['wasm', 'shapes', 'cache', '--cache', '--data with image files', 'shapes, which are drawn'],
])('%s on %s has no use for %s', (backend, data, name, flag, expected, got) => {
  const refuse = (): void => {
    refuseUnusedFlags({ backend, data }, (each) => each === name);
  };
  expect(refuse).toThrow(refusal(ParamError, flag, expected, got));
  expect(refuse).toThrow(expect.objectContaining({ hint: `Omit ${flag}, which has no effect.` }));
});

test.each([
  ['wasm', 'pets', true],
  ['reference', 'shapes', false],
])('%s on %s accepts the others', (backend, data, isGiven) => {
  expect(() => {
    refuseUnusedFlags({ backend, data }, () => isGiven);
  }).not.toThrow();
});

test(
  'a resumed run refuses them, too',
  async () => {
    const network = ['--dims', '2,3', '--strides', '1', '--act-num', '0', '-s', '8', '-b', '4', '-e', '1'];
    const begin = ['train', '--data', 'shapes', '--limit', '8', '--val-limit', '0', ...network, '-o', 'run'];
    const refused = await inHost([...begin, '--backend', 'reference', '--threads', '2'], path());
    expect(refused.stderr).toMatch(/^ParamError: --threads: expected --backend wasm, got reference\n/);
    expect((await inHost([...begin, '--backend', 'reference'], path())).status).toBe(0);
    const { status, stderr } = await inHost(['train', '--resume', 'run', '--build', 'relaxed'], path());
    expect(stderr).toMatch(/^ParamError: --build: expected --backend wasm, got reference\n/);
    expect(status).toBe(1);
    const { stdout } = await inHost(['train', '--resume', 'run'], path());
    expect(stdout).toContain('\nresume after 2 steps: all epochs are done; --epochs makes the run longer\n');
  },
  PATIENCE,
);
