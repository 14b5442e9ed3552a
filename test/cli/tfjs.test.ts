/** The command line on the engines of TensorFlow.js that need only their packages. */
import { beforeAll, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { float32Bound, valuesOf } from '../../reference/index.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle, toOracle } from '../../src/oracle/state.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { hosted, logitsIn, PATIENCE, printed, vanillanet } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();
const CHELSEA = fileURLToPath(new URL('../../examples/chelsea.png', import.meta.url));

const deploy = drawnConfig('deploy', { num_classes: 10, input_size: [16, 16] });
const train = drawnConfig('train', { lambda: 0.5 });
const state = drawnState(deploy);
const x = drawnImages(deploy, 3);

/** The stdout of a command that must succeed. With `tfjs`, stderr has the engine. */
async function outputOf(args: readonly string[], engine = ''): Promise<string> {
  const { status, stdout, stderr } = await inHost(args, path());
  expect([status, stderr]).toEqual([0, engine]);
  return stdout;
}

interface Found {
  readonly engine: string;
  readonly available: boolean;
  readonly device: string;
  readonly isHardware: boolean;
  readonly canTrain: boolean;
}

/** Those of this machine. */
let engines: readonly Found[];

/** The engine that `tfjs` selects on this machine, and the line about it. */
function chosen({ training = false } = {}): { by: string; stderr: string } {
  const chosenState = engines.find(
    ({ engine, available, isHardware, canTrain }) =>
      available && (isHardware || ['tfjs-node', 'wasm', 'cpu'].includes(engine)) && (canTrain || !training),
  );
  return {
    by: `tfjs:${chosenState?.engine ?? ''}`,
    stderr: `tfjs: ${chosenState?.engine ?? ''}, ${chosenState?.device ?? ''}\n`,
  };
}

beforeAll(async () => {
  await writeWeights(path('deploy.safetensors'), state, deploy);
  await writeWeights(path('train.safetensors'), drawnState(train), train);
  await writeFile(path('x.safetensors'), encodeSafetensors(new Map([['x', x]])));
  engines = JSON.parse(await outputOf(['engines', '--json'])) as Found[];
}, PATIENCE);

test(
  'engines',
  async () => {
    expect(engines.find(({ engine }) => engine === 'cpu')).toMatchObject({
      available: true,
      isHardware: false,
      canTrain: true,
    });
    expect(engines.find(({ engine }) => engine === 'webgl')).toMatchObject({
      available: false,
      reason: 'Node has no WebGL',
    });
    const text = await outputOf(['engines']);
    expect(text).toMatch(/^engine +device +GPU +trains +version\n/);
    expect(text).toMatch(/\ncpu +JavaScript on this machine's processor +no +yes +4\.22\.0\n/);
    expect(text).toMatch(/\nwebgl: Node has no WebGL\. Use it in a browser/);
  },
  PATIENCE,
);

const RUN = ['run', '-i', 'x.safetensors', '-o', 'y.safetensors'];

test(
  'run, with the engine that `tfjs` selects',
  async () => {
    const { logits, bounds } = float32Bound(toOracleConfig(deploy), stateToOracle(state), toOracle(x));
    const [exact, bound] = [valuesOf(logits), valuesOf(bounds)];
    for (const { backend, by, stderr } of [
      { backend: 'tfjs:cpu', by: 'tfjs:cpu', stderr: '' },
      { backend: 'tfjs:wasm', by: 'tfjs:wasm', stderr: '' },
      { backend: 'tfjs', ...chosen() },
    ]) {
      const args = [...RUN, '-w', 'deploy.safetensors', '-b', backend];
      expect(JSON.parse(await outputOf([...args, '--json'], stderr))).toMatchObject({ backend: by, dtype: 'float32' });
      expect(await outputOf(args, stderr)).toContain(` by ${by} in eval mode`);
      const { data } = await logitsIn(path('y.safetensors'));
      expect(exact.filter((v, i) => !(Math.abs(v - data[i]) <= bound[i]))).toEqual(new Float64Array());
    }
    // Also the train form, which WebAssembly does not run.
    const args = [...RUN, '-w', 'train.safetensors', '-b', 'tfjs:cpu', '--lambda', '0.25', '--json'];
    expect(JSON.parse(await outputOf(args))).toMatchObject({ backend: 'tfjs:cpu', lambda: 0.25 });
  },
  PATIENCE,
);

test(
  'classify',
  async () => {
    const of = async (backend: string): Promise<unknown> =>
      (
        JSON.parse(
          await outputOf(['classify', CHELSEA, '-w', 'deploy.safetensors', '-b', backend, '--json']),
        ) as object[]
      )[0];
    const answer = await of('tfjs:cpu');
    expect(answer).toMatchObject({ predictions: expect.any(Array) });
    const labels = ({ predictions }: { predictions: { label: string }[] }) => predictions.map(({ label }) => label);
    expect(labels(answer as never)).toEqual(labels((await of('reference')) as never));
  },
  PATIENCE,
);

const TRAIN = [
  ...['train', '--data', 'shapes', '--limit', '8', '--val-limit', '4', '--workers', '0'],
  ...['--size', '16', '--dims', '2,3', '--strides', '1'],
  ...['--epochs', '2', '--decay-epochs', '1', '-b', '4', '--backend'],
];

test(
  'train, resume with the same engine only, eval',
  async () => {
    const { by, stderr: notice } = chosen({ training: true });
    await outputOf([...TRAIN, by, '-o', 'run']);
    const { run } = JSON.parse(await readFile(path('run/config.json'), 'utf8')) as { run: { backend: string } };
    expect(run.backend).toBe(by);
    await outputOf([...TRAIN, 'tfjs', '-o', 'run', '--resume'], notice);
    const { status, stderr } = await inHost([...TRAIN, 'wasm', '-o', 'run', '--resume'], path());
    expect(status).toBe(1);
    expect(stderr).toContain(`expected ${by}, as in the run, got wasm`);
    expect(stderr).toContain('hint: Another backend yields other weights.');

    const evaluate = ['eval', '-w', 'run/last.safetensors', '-d', 'shapes', '--limit', '12', '--json', '--backend'];
    const of = async (backend: string): Promise<object> => {
      const { images_per_second: _, ...rest } = JSON.parse(await outputOf([...evaluate, backend])) as Record<
        string,
        number
      >;
      return { ...rest, loss: rest['loss'].toFixed(4) };
    };
    expect(await of('tfjs:cpu')).toEqual(await of('reference'));
  },
  PATIENCE,
);

test(
  'bench',
  async () => {
    await writeFile(path('small.json'), JSON.stringify({ dims: [2, 3], strides: [1], num_classes: 3, input_size: 8 }));
    // The warm-up lasts a second by this clock.
    const preload = 'const now = performance.now.bind(performance); performance.now = () => 10 * now();';
    const args = ['bench', '-c', 'small.json', '-b', 'tfjs:cpu', '-r', '1', '--json'];
    const { status, stdout, stderr } = await vanillanet(args, path(), { preload });
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ backend: 'tfjs:cpu', build: 'cpu', rows: [{ threads: 1, batch: 1 }] });
  },
  PATIENCE,
);

test(
  'diff',
  async () => {
    const text = await outputOf([
      'diff',
      '-w',
      'train.safetensors',
      '--backends',
      'reference,tfjs:cpu,tfjs:wasm',
      '--json',
    ]);
    const { holds, verdicts } = JSON.parse(text) as { holds: boolean; verdicts?: unknown[] };
    expect(holds).toBe(true);
    expect(verdicts ?? text).toBeDefined();
  },
  PATIENCE,
);

test(
  'the process ends by itself',
  async () => {
    const text = await printed([...RUN, '-w', 'deploy.safetensors', '-b', 'tfjs:wasm', '--json'], path());
    expect(JSON.parse(text)).toMatchObject({ backend: 'tfjs:wasm' });
  },
  PATIENCE,
);
