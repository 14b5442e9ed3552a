/**
 * Draws weights and a batch, and computes the losses of the reference. Existing files are reused if nothing has
 * changed.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniform } from '../../../../dist/reference/index.js';
import { encodeSafetensors, resolveConfig, writeConfig } from '../../../../dist/src/entries/index.js';
import { oracleTrainer } from '../../../../dist/src/entries/train.js';
import { bytesOf } from '../models/tensors.js';
import { PACKAGE } from '../paths.js';
import { EXPECTED, FOLDER, IMAGES, TARGETS, LOSS_COUNT, WEIGHTS } from './files.js';
import { ADAM, drawBatch, LAMBDA, NETWORK, SEED } from './task.js';

/** Written last: a folder without it is incomplete. */
const STAMP = join(FOLDER, 'stamp.txt');

async function stamp(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['prepare.js', 'files.js', 'task.js']) {
    hash.update(await readFile(join(PACKAGE, 'dist/training', name)));
  }
  return hash.digest('hex');
}

async function prepare(): Promise<void> {
  const config = resolveConfig(NETWORK);
  const { x, targets } = drawBatch(uniform);
  const reference = oracleTrainer(config, { seed: SEED });
  const weights = encodeSafetensors(await reference.state(), { metadata: writeConfig(config) });
  const losses: number[] = [];
  while (losses.length < LOSS_COUNT) {
    losses.push((await reference.step(x, targets, { lambda: LAMBDA, optimizer: ADAM })).loss);
  }
  await writeFile(join(FOLDER, WEIGHTS), weights);
  await writeFile(join(FOLDER, IMAGES), bytesOf(x));
  await writeFile(join(FOLDER, TARGETS), bytesOf(targets));
  await writeFile(join(FOLDER, EXPECTED), JSON.stringify(losses));
}

const currentStamp = await stamp();
const storedStamp = await readFile(STAMP, 'utf8').catch(() => '');
if (storedStamp !== currentStamp) {
  console.error('bench:training: computing four steps of the reference (once)');
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await prepare();
  await writeFile(STAMP, currentStamp);
}
