/** Draws weights and batch, and asks the float64 oracle for its losses; what is there is kept while nothing has changed. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniform } from '../../../../dist/reference/index.js';
import { encodeSafetensors, resolveConfig, writeConfig } from '../../../../dist/src/entries/index.js';
import { oracleTrainer } from '../../../../dist/src/entries/train.js';
import { bytesOf } from '../models/tensors.js';
import { PACKAGE } from '../paths.js';
import { EXPECTED, FOLDER, IMAGES, TARGETS, TOLD, WEIGHTS } from './files.js';
import { ADAM, drawBatch, LAMBDA, NETWORK, SEED } from './task.js';

/** Written last: without it the folder is not complete. */
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
  const oracle = oracleTrainer(config, { seed: SEED });
  const weights = encodeSafetensors(await oracle.state(), { metadata: writeConfig(config) });
  const losses: number[] = [];
  while (losses.length < TOLD) {
    losses.push((await oracle.step(x, targets, { lambda: LAMBDA, optimizer: ADAM })).loss);
  }
  await writeFile(join(FOLDER, WEIGHTS), weights);
  await writeFile(join(FOLDER, IMAGES), bytesOf(x));
  await writeFile(join(FOLDER, TARGETS), bytesOf(targets));
  await writeFile(join(FOLDER, EXPECTED), JSON.stringify(losses));
}

const wanted = await stamp();
const found = await readFile(STAMP, 'utf8').catch(() => '');
if (found !== wanted) {
  console.error('bench:training: asking the float64 oracle for four steps, once');
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await prepare();
  await writeFile(STAMP, wanted);
}
