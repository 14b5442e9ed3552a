/** `loadModel` in Node, with weights of other frameworks. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createHash } from 'node:crypto';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import type { LoadProgress } from '../../src/io/progress.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { loadModel, type LoadModelOptions } from '../../src/node/loadModel.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../formats/fixtures/network/${name}`, import.meta.url));

const OFFICIAL = fixture('official.pth');
const config = { strides: [2, 1], input_size: 32 };
const images = Float64Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => ((i * i) % 1009) / 504 - 1);

interface Logits {
  readonly weights: readonly number[];
  readonly average: readonly number[];
}

let expected: Logits;

beforeAll(async () => {
  expected = JSON.parse(await readFile(fixture('network.json'), 'utf8')) as Logits;
});

/** The logits of weights, and what was remarked. */
async function load(weights: Parameters<typeof loadModel>[0], options: LoadModelOptions = {}) {
  const remarks: string[] = [];
  const model = await loadModel(weights, { config, onRemark: (text) => remarks.push(text), ...options });
  const logits = await model.forward(images, 2);
  model.dispose();
  return { logits, remarks, config: model.config };
}

function requireLogits(logits: ArrayLike<number>, want: readonly number[]): void {
  expect(logits).toHaveLength(want.length);
  want.forEach((value, i) => {
    expect(Math.abs(logits[i] - value)).toBeLessThan(1e-5);
  });
}

const FUSED = 'fused in memory; keep the result by vanillanet fuse';

describe('weights of other frameworks', () => {
  test('by path, URL of a file and bytes', async () => {
    const bytes = await readFile(OFFICIAL);
    const copy = new Uint8Array(bytes).buffer;
    for (const weights of [OFFICIAL, pathToFileURL(OFFICIAL), pathToFileURL(OFFICIAL).href, bytes, copy]) {
      const { logits, remarks, config: found } = await load(weights);
      requireLogits(logits, expected.average);
      const name = typeof weights === 'string' ? weights : 'href' in weights ? weights.href : 'weights';
      expect(remarks).toEqual([`${name}: took model_ema, the exponential moving average`, `${name}: ${FUSED}`]);
      expect(found).toMatchObject({ form: 'deploy', dims: [4, 8, 8], strides: [2, 1] });
    }
  });

  test('by URL, which is requested again', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url);
      void readFile(fixture((request.url ?? '').slice(1))).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const progress: LoadProgress[] = [];
      const { logits } = await load(`${base}/average.pdparams`, { onProgress: (each) => progress.push(each) });
      requireLogits(logits, expected.average);
      const loaded = progress.map((each) => each.loaded);
      expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
      expect(progress[progress.length - 1].loaded).toBe((await readFile(fixture('average.pdparams'))).length);
      await expect(load(`${base}/none.pth`)).rejects.toThrow(refusal(WeightsError, 'none.pth', 'OK', 'status 404'));
      expect(paths).toEqual(['/average.pdparams', '/average.pdparams', '/none.pth']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('by ema and key', async () => {
    for (const options of [{ ema: false }, { key: 'model' }]) {
      const { logits, remarks } = await load(OFFICIAL, options);
      requireLogits(logits, expected.weights);
      expect(remarks).toEqual([`${OFFICIAL}: ${FUSED}`]);
    }
  });

  test('with λ 1 if it is not known, and the guesses', async () => {
    const { logits, remarks } = await load(fixture('state.pth'), { config: { input_size: 32 } });
    requireLogits(logits, expected.weights);
    expect(remarks.map((text) => text.replace(/^.*?: /, ''))).toEqual([
      expect.stringContaining('guessed strides [2, 1]'),
      'assumed lambda 1, as the official evaluation does',
      FUSED,
    ]);
    expect((await load(fixture('state.pth'), { lambda: 1 })).remarks).toHaveLength(1);
  });

  test('with λ below 1, on the reference alone', async () => {
    const file = fixture('state.pth');
    const refused = load(file, { lambda: 0.5 });
    await expect(refused).rejects.toThrow(refusal(WeightsError, file, 'lambda = 1', 'lambda = 0.5'));
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('referenceBackend') as unknown });
    const { config: found, remarks } = await load(file, { lambda: 0.5, backend: referenceBackend });
    expect([found.form, found.lambda, remarks]).toEqual(['train', 0.5, []]);
  });

  test('with a variant', async () => {
    const refused = load(OFFICIAL, { variant: 'vanillanet_13', config: {} });
    await expect(refused).rejects.toBeInstanceOf(Error);
    await expect(load(OFFICIAL, { variant: 'vanillanet_13', config: {} })).rejects.toThrow(/stages|tensor|shape/);
  });

  test('reports progress, and ends with a signal', async () => {
    const progress: LoadProgress[] = [];
    await load(OFFICIAL, { onProgress: (each) => progress.push(each) });
    const [last] = progress.slice(-1);
    expect(last.loaded).toBe(last.total);
    const controller = new AbortController();
    const reason = new Error('enough');
    const aborted = load(OFFICIAL, {
      signal: controller.signal,
      onProgress: ({ loaded, total }) => {
        if (loaded === total) controller.abort(reason);
      },
    });
    await expect(aborted).rejects.toBe(reason);
    await expect(load(OFFICIAL, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('with a hash', async () => {
    const sha256 = createHash('sha256')
      .update(await readFile(OFFICIAL))
      .digest('hex');
    requireLogits((await load(OFFICIAL, { sha256 })).logits, expected.average);
    const other = '0'.repeat(64);
    await expect(load(OFFICIAL, { sha256: other })).rejects.toThrow(
      refusal(WeightsError, OFFICIAL, `sha256 ${other}`, sha256),
    );
  });
});

describe('other weights', () => {
  const own = drawnConfig('deploy');
  const bytes = encodeSafetensors(drawnState(own), { metadata: writeConfig(own) });

  test('of this package are read as in other runtimes', async () => {
    await writeFile(path('own.safetensors'), bytes);
    for (const weights of [path('own.safetensors'), bytes, new Response(bytes.slice()), new Blob([bytes.slice()])]) {
      const model = await loadModel(weights);
      expect(model.config).toEqual(own);
      model.dispose();
    }
  });

  test('have no key', async () => {
    await expect(loadModel(bytes, { key: 'model' })).rejects.toThrow(
      refusal(ParamError, 'weights', 'a file with several weights, for key', 'key model'),
    );
    await expect(loadModel(new Blob([bytes.slice()]), { key: 'model' })).rejects.toThrow(
      refusal(ParamError, 'key', 'weights by path, URL or bytes', 'another source'),
    );
  });

  test('of no format have the error of other runtimes', async () => {
    await writeFile(path('text.pth'), 'no weights');
    await expect(loadModel(path('text.pth'))).rejects.toThrow(
      refusal(WeightsError, path('text.pth'), 'a safetensors file', 'text that begins with "no weights"'),
    );
    await expect(loadModel(path('none.pth'))).rejects.toThrow(refusal(WeightsError, 'none.pth', 'readable', 'no such'));
    await expect(loadModel(bytes.subarray(0, bytes.length - 4))).rejects.toThrow(WeightsError);
    await expect(loadModel(new Blob([await readFile(OFFICIAL)]))).rejects.toMatchObject({
      got: 'a PyTorch checkpoint (zip)',
      hint: expect.stringContaining('vanillanet convert') as unknown,
    });
  });

  test.each([
    [{ variant: 'vanillanet_4' }, 'variant'],
    [{ lambda: 2 }, 'lambda'],
    [{ ema: 'no' }, 'ema'],
    [{ key: 1 }, 'key'],
    [{ onRemark: 1 }, 'onRemark'],
    [{ varaint: 'vanillanet_5' }, 'varaint'],
  ])('options %j are refused', async (options, op) => {
    const refused = loadModel(OFFICIAL, options as LoadModelOptions);
    await expect(refused).rejects.toBeInstanceOf(ParamError);
    await expect(refused).rejects.toMatchObject({ op });
  });

  test('that are no source are refused', async () => {
    for (const weights of [null, undefined, 5, {}]) {
      await expect(loadModel(weights as never)).rejects.toBeInstanceOf(ParamError);
    }
  });
});
