/** The options that choose a backend. */
import { describe, expect, test } from '@jest/globals';
import { Command, InvalidArgumentError } from 'commander';
import { openBackend, engineOf, threadsArgument, withBackend } from '../../src/cli/backends.js';
import { openDiffBackend } from '../../src/cli/diffBackends.js';
import type { Backend } from '../../src/core/backend.js';
import { BackendUnavailableError } from '../../src/core/errors.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { BUILDS } from '../wasm/builds.js';

test.each([
  ['auto', 'auto'],
  ['1', 1],
  ['12', 12],
  ['256', 256],
])('--threads %s', (text, threads) => {
  expect(threadsArgument(text)).toBe(threads);
});

test.each(['0', '257', '-1', '1.5', '+2', '2x', 'x2', ' 2', '', 'all', '1e2'])('not --threads %j', (text) => {
  const parse = () => threadsArgument(text);
  expect(parse).toThrow(InvalidArgumentError);
  expect(parse).toThrow("Expected an integer from 1 to 256, or 'auto'.");
});

test.each([
  ['tfjs', 'auto'],
  ['tfjs:cpu', 'cpu'],
  ['tfjs:tfjs-node-gpu', 'tfjs-node-gpu'],
  ['tfjs:', null],
  ['tfjs:cuda', null],
  ['wasm', null],
  ['reference', null],
  ['', null],
])('the engine of %j is %p', (backend, engine) => {
  expect(engineOf(backend)).toBe(engine);
});

describe('a command with a backend', () => {
  const command = () =>
    withBackend(new Command())
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
  const parsed = (...args: string[]): unknown => command().parse(args, { from: 'user' }).opts();

  test('runs in WebAssembly on every core by default', () => {
    expect(parsed()).toEqual({ backend: 'wasm', threads: 'auto', build: 'auto' });
    expect(parsed('-b', 'tfjs:cpu', '--threads', '2', '--build', 'plain')).toEqual({
      ...{ backend: 'tfjs:cpu', threads: 2, build: 'plain' },
    });
  });

  test('describes each option', () => {
    const help = command().helpInformation();
    expect(help).toMatch(/-b, --backend <name> +backend: wasm, reference, tfjs or tfjs:<engine>/);
    expect(help).toMatch(/--threads <n> +WebAssembly threads; auto for one a core/);
    expect(help).toMatch(/--build <build> +WebAssembly build/);
  });

  test.each(['cuda', 'tfjs:cuda', 'WASM', ''])('refuses the backend %j', (name) => {
    expect(() => parsed('--backend', name)).toThrow(
      'Allowed choices are wasm, reference, tfjs, tfjs:<engine>; see vanillanet engines.',
    );
  });
});

test('the reference is the reference, in every option', async () => {
  const options = { threads: 1, build: 'plain' } as const;
  expect(await openBackend({ backend: 'reference', ...options })).toBe(referenceBackend);
  expect(await openDiffBackend('reference', 'plain')).toBe(referenceBackend);
  expect((await openBackend({ backend: 'wasm', ...options })).name).toBe('wasm');
  expect((await openDiffBackend('wasm:plain', 'auto')).name).toBe('wasm:plain');
});

describe('the build', () => {
  const config = drawnConfig('deploy', { input_size: [8, 8] });
  /** The build of a backend and its threads; the error if this runtime does not have the build. */
  const opened = (backend: Backend): Promise<unknown> =>
    Model.open(drawnState(config), config, backend).then(
      ({ info }) => [info['build'], info['threads']],
      (error: unknown) => error,
    );
  const plain = ['plain', 1];
  const relaxed = BUILDS.includes('relaxed') ? ['relaxed', 1] : expect.any(BackendUnavailableError);

  test('is that of --build', async () => {
    expect(await opened(await openBackend({ backend: 'wasm', threads: 1, build: 'plain' }))).toEqual(plain);
    expect(await opened(await openBackend({ backend: 'wasm', threads: 1, build: 'relaxed' }))).toEqual(relaxed);
  });

  test('of diff is that of the name, or else of --build', async () => {
    expect(await opened(await openDiffBackend('wasm', 'plain'))).toEqual(plain);
    expect(await opened(await openDiffBackend('wasm', 'relaxed'))).toEqual(relaxed);
    expect(await opened(await openDiffBackend('wasm:plain', 'relaxed'))).toEqual(plain);
    expect(await opened(await openDiffBackend('wasm:relaxed', 'plain'))).toEqual(relaxed);
  });
});
