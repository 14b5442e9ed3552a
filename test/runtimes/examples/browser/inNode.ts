/** The answer of the packed package in Node, to compare with the page's. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Prediction } from '../../../../src/model/topK.js';
import type { Consumer } from '../../consumer.js';

type Package = typeof import('../../../../src/entries/index.js');

export interface NodeAnswer {
  /** Hexadecimal bytes. */
  readonly logits: string;
  readonly predictions: readonly Prediction[];
}

/** The plain build's answer for the photograph. */
export async function answerInNode({ folder, photograph }: Consumer): Promise<NodeAnswer> {
  const entry = createRequire(join(folder, 'package.json')).resolve('vanillanet');
  const { loadModel, preprocess, topK } = (await import(pathToFileURL(entry).href)) as Package;
  const model = await loadModel(join(folder, 'net.safetensors'), { build: 'plain' });
  const { input_size: size, crop_pct, interpolation, mean, std, class_names } = model.config;
  const logits = await model.forward(preprocess(photograph, { size, crop_pct, interpolation, mean, std }));
  model.dispose();
  return {
    logits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString('hex'),
    predictions: topK(logits, 5, class_names),
  };
}
