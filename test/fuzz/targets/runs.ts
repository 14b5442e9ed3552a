/** Readers of trainings and reports: recipes, checkpoints, metrics, run folders, locks, JSON files, dumps. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJsonObject } from '../../../src/cli/jsonFile.js';
import { outputsOfDump, readDump } from '../../../src/diff/dump.js';
import { encodeSafetensors } from '../../../src/io/safetensors.js';
import { lock } from '../../../src/io/lock.js';
import { readMetrics } from '../../../src/report/record.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/train/checkpointFile.js';
import { insertDigest } from '../../../src/train/fileDigest.js';
import { DEFAULT_RECIPE, resolveRecipe } from '../../../src/train/recipe.js';
import { recipeFromFile, recipeToFile } from '../../../src/train/recipeFile.js';
import { RunFolder } from '../../../src/train/runFolder.js';
import { EMPTY_TALLY } from '../../../src/train/scores.js';
import { stateOf, TINY_TRAIN } from '../fixtures.js';
import { lazy } from '../lazy.js';
import { bytesOfText, concat, mutateBytes } from '../mutateBytes.js';
import { mutateJson } from '../mutateJson.js';
import type { Random } from '../random.js';
import { reader, type Target } from '../target.js';
import { mutateParts } from './weights.js';

const folder = lazy(() => mkdtempSync(join(tmpdir(), 'runs-')));

/** Reads bytes from a file. */
const fromFile =
  (name: string, read: (path: string) => unknown) =>
  (bytes: Uint8Array): unknown => {
    const path = join(folder(), name);
    writeFileSync(path, bytes);
    return read(path);
  };

const CHECKPOINT = encodeCheckpoint({
  config: TINY_TRAIN,
  recipe: DEFAULT_RECIPE,
  ...{ images: 10, epoch: 1, step: 2, globalStep: 12, tally: EMPTY_TALLY },
  ...{ best: { epoch: 1, top1: 0.5 }, bestFusable: null },
  snapshot: { state: stateOf(TINY_TRAIN), optimizer: new Map(), steps: 12 },
});

/** A damaged checkpoint, mostly with the right digest. */
function drawCheckpoint(random: Random): Uint8Array {
  const bytes = random.chance(0.5) ? mutateParts(random, CHECKPOINT) : mutateBytes(random, CHECKPOINT);
  if (bytes.length < 300 || random.chance(0.2)) return bytes;
  return insertDigest(bytes);
}

const scores = { loss: 1.5, top1: 0.5, top5: 0.9 };
const rates = { lambda: 0.5, lr: 0.01, images_per_second: 100 };
const RECORDS = [
  { kind: 'step', epoch: 1, step: 1, steps: 2, global_step: 1, loss: 2, top1: 0.1, ...rates },
  { kind: 'step', epoch: 1, step: 2, steps: 2, global_step: 2, loss: null, top1: 0.1, ...rates },
  {
    kind: 'epoch',
    epoch: 1,
    global_step: 2,
    train: scores,
    validation: scores,
    seconds: 1,
    idle: 0,
    fused: false,
    ...rates,
  },
];

const LINES = RECORDS.map((each) => bytesOfText(`${JSON.stringify(each)}\n`));

const drawMetrics = (random: Random): Uint8Array =>
  random.chance(0.5)
    ? mutateBytes(random, concat(...LINES), { others: LINES })
    : concat(
        LINES[0],
        mutateJson(random, RECORDS),
        bytesOfText('\n'),
        random.chance(0.5) ? LINES[2] : new Uint8Array(0),
      );

const RECIPE = JSON.parse(
  JSON.stringify({
    ...recipeToFile(DEFAULT_RECIPE),
    augment: { horizontal_flip: 0.5, rotation: 15, random_erasing: { probability: 0.2 } },
  }),
) as never;

const drawRecipe = (random: Random): Uint8Array => mutateJson(random, [RECIPE]);

async function readRecipe(path: string): Promise<unknown> {
  return resolveRecipe(recipeFromFile('recipe.json', await readJsonObject(path)));
}

const OWNERS = [
  `1 1 ${hostname()}\n`,
  `99999999 5 ${hostname()}\n`,
  `${process.pid} - ${hostname()}\n`,
  '12 3 elsewhere\n',
  '7\n',
];

const drawLock = (random: Random): Uint8Array =>
  mutateBytes(random, bytesOfText(random.pick(OWNERS)), {
    words: ['-', ' ', '\n', '0', '-1', '4294967296'].map(bytesOfText),
  });

async function takeLock(path: string): Promise<unknown> {
  const unlock = await lock(path, 'trains here');
  await unlock();
  return 'locked';
}

/** A run folder with a damaged checkpoint and damaged metrics. */
async function openRun(bytes: Uint8Array, random: Random): Promise<unknown> {
  const path = join(folder(), 'run');
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  writeFileSync(join(path, 'checkpoint-00000012.safetensors'), bytes);
  if (random.chance(0.3)) writeFileSync(join(path, 'checkpoint-00000010.safetensors'), CHECKPOINT);
  if (random.chance(0.5)) writeFileSync(join(path, 'metrics.jsonl'), drawMetrics(random));
  const run = await RunFolder.open(path, { resume: true, onDamage: () => undefined });
  const step = run.checkpoint?.globalStep;
  await run.close();
  return step;
}

const X = { data: Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => (i % 7) / 7), shape: [1, 3, 16, 16] };

const dump = lazy(() =>
  encodeSafetensors(
    new Map([
      ['input', X],
      ['stem1.0', { data: new Float32Array(4 * 16), shape: [1, 4, 4, 4] }],
    ]),
  ),
);

async function readOutputs(path: string): Promise<unknown> {
  return outputsOfDump(await readDump(path), TINY_TRAIN, X);
}

export const targets: readonly Target[] = [
  reader('runs.json', (random) => mutateJson(random, [RECIPE]), fromFile('file.json', readJsonObject)),
  reader('runs.recipe', drawRecipe, fromFile('recipe.json', readRecipe)),
  reader('runs.checkpoint', drawCheckpoint, (bytes) => decodeCheckpoint(bytes, 'checkpoint')),
  reader('runs.metrics', drawMetrics, fromFile('metrics.jsonl', readMetrics)),
  reader('runs.lock', drawLock, fromFile('lock', takeLock)),
  reader('runs.folder', drawCheckpoint, openRun, { allowance: 2 ** 24 }),
  reader('runs.dump', (random) => mutateParts(random, dump()), fromFile('dump.safetensors', readOutputs)),
];
