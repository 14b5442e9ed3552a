/** Counters of batches in the metadata of ONNX files: no node takes them, so as tensors they would only cause warnings. */
import { WeightsError } from '../../core/errors.js';
import { parseJsonObject } from '../../core/json.js';
import { isCounter } from '../../core/parameters.js';
import type { FileTensor } from '../foreignFile.js';

/** The key of the metadata: numbers by the names of tensors, as JSON. */
const KEY = 'vanillanet.num_batches_tracked';

export const writeCounters = (counters: ReadonlyMap<string, number>): [key: string, value: string][] =>
  counters.size === 0 ? [] : [[KEY, JSON.stringify(Object.fromEntries(counters))]];

/** @throws WeightsError for metadata that are not counts by names */
export function readCounters(metadata: ReadonlyMap<string, string>, file: string): Map<string, FileTensor> {
  const counters = new Map<string, FileTensor>();
  const text = metadata.get(KEY);
  if (text === undefined) return counters;
  const expected = `counts by the names of tensors under the metadata key '${KEY}'`;
  const object = parseJsonObject(text, { op: file, Refused: WeightsError, expected });
  for (const [name, value] of Object.entries(object)) {
    if (!isCounter(name) || !Number.isSafeInteger(value)) {
      throw new WeightsError({ op: file, expected, got: `${JSON.stringify(name)}: ${JSON.stringify(value)}` });
    }
    const read: FileTensor['read'] = () => Promise.resolve(Float64Array.of(value as number));
    counters.set(name, { shape: [], dtype: 'int64', read });
  }
  return counters;
}
