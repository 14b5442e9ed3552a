/** `convert --verify`: the logits of a file that was written, against those of the input. */
import type { ModelConfig, ModelConfigInput } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { importWeights, type ImportedWeights } from '../formats/importWeights.js';
import { Model } from '../model/model.js';
import { compareFloat32, compareStates, type Comparison, type StateComparison } from '../oracle/compareStates.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import { threeDigits, print } from './print.js';

/** A comparison, and what ran the network. */
interface Run extends Comparison {
  readonly engine: string;
}

export interface Verified {
  /** The shape [n, in_chans, h, w] of the random images. */
  readonly images: readonly number[];
  /** The number of values that the conversion changed. */
  readonly changed: number;
  readonly maxLogit: number;
  readonly runs: readonly Run[];
}

/** The keys that decide what a network computes. */
const KEYS = [
  ...(['dims', 'strides', 'ada_pool', 'article_stem', 'in_chans', 'num_classes', 'act_num', 'form'] as const),
];

/** @throws WeightsError unless a file has the network that was written */
function requireSame(written: ModelConfig, read: ModelConfig, output: string): void {
  for (const key of KEYS) {
    const [expected, got] = [JSON.stringify(written[key]), JSON.stringify(read[key])];
    if (expected === got) continue;
    throw new WeightsError({ op: output, expected: `${key} ${expected}, as written`, got });
  }
}

const runOf = (engine: string, { maxDifference, tolerance, bound, holds }: Comparison): Run => ({
  ...{ engine, maxDifference, tolerance, bound, holds },
});

/** The logits in WebAssembly, for the deploy form: the engine has no other. */
async function compareWasm(
  comparison: StateComparison,
  state: Awaited<ReturnType<ImportedWeights['readState']>>,
  config: ModelConfig,
): Promise<Run[]> {
  if (config.form !== 'deploy') return [];
  const { data, shape } = comparison.probe;
  const model = await Model.open(state, { ...config, input_size: [shape[2], shape[3]] }, wasmBackend);
  try {
    const got = await model.forward(data, shape[0]);
    return [runOf('WebAssembly, float32', compareFloat32(comparison, state, config, got))];
  } finally {
    model.dispose();
  }
}

/**
 * Reads a file that was written, and compares its logits with those of the weights that it was written from.
 *
 * @param unstated what the file does not say of the network
 * @throws WeightsError if it cannot be read, or has another network
 */
export async function verifyConversion(
  weights: ImportedWeights,
  output: string,
  unstated: ModelConfigInput,
): Promise<Verified> {
  const { config } = weights;
  const before = await weights.readState();
  const written = await importWeights(output, { config: unstated });
  try {
    requireSame(config, written.config, output);
    const after = await written.readState();
    const comparison = await compareStates(before, after, config);
    const { changed, maxLogit, probe } = comparison;
    const runs = [runOf('float64', comparison), ...(await compareWasm(comparison, after, config))];
    return { images: probe.shape, changed, maxLogit, runs };
  } finally {
    await written.close();
  }
}

const differenceText = ({ maxDifference }: Run): string => (maxDifference === 0 ? '0' : threeDigits(maxDifference));

/** What the difference may be. */
function limitText({ tolerance, bound }: Run): string {
  const most = threeDigits(bound ?? 0);
  switch (tolerance) {
    case 'equal':
      return 'at most 0, as no value changed';
    case 'bound':
      return `at most ${most}`;
    case 'first order':
      return `at most ${most} to first order, as the worst case exceeds the logits`;
    case 'none':
      return 'without a bound';
  }
}

export function printVerified({ images, changed, maxLogit, runs }: Verified): void {
  const values = changed === 0 ? 'every value is equal' : `${changed} values changed`;
  const [n, , height, width] = images;
  print(`verified    ${values}; logits up to ${threeDigits(maxLogit)} on ${n} random images of ${height}x${width}`);
  for (const run of runs) print(`            differ by ${differenceText(run)} in ${run.engine}: ${limitText(run)}`);
}

/** @throws WeightsError for a difference beyond its limit */
export function requireVerified({ runs }: Verified, output: string): void {
  const wrong = runs.find(({ holds }) => !holds);
  if (wrong === undefined) return;
  const got = `${differenceText(wrong)} in ${wrong.engine}`;
  const expected = `logits that differ from those of the input by ${limitText(wrong)}`;
  throw new WeightsError({ op: output, expected, got, hint: 'Do not use the file: convert again.' });
}
