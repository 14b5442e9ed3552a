/** Activations written by another framework: one tensor a module, and the input batch. */
import type { ModelConfig } from '../core/config.js';
import { ShapeError, WeightsError } from '../core/errors.js';
import { planNetwork } from '../core/network.js';
import { formatShape, type StateDict, type Tensor } from '../core/tensor.js';
import { readSafetensors } from '../io/readSafetensors.js';
import { isModule } from './names.js';
import { assignOutputs, type LayerOutputs } from './layerOutputs.js';

/** The name of the input batch in a dump. */
export const INPUT = 'input';

export interface Dump {
  readonly file: string;
  readonly tensors: StateDict;
}

/** @throws WeightsError for a missing file, a damaged file or another format */
export const readDump = async (file: string): Promise<Dump> => ({
  file,
  tensors: (await readSafetensors(file)).tensors,
});

/** The input batch of a dump. @throws WeightsError if there is none */
export function inputOf({ file, tensors }: Dump): Tensor {
  const x = tensors.get(INPUT);
  if (x !== undefined) return x;
  throw new WeightsError({ op: file, expected: `a tensor ${INPUT} [n,c,h,w]`, got: 'no such tensor' });
}

/** Checks that the dump is of x, exactly or rounded to float32. Outputs of another batch cannot be compared. */
function requireInput({ file, tensors }: Dump, x: Tensor): void {
  const input = inputOf({ file, tensors });
  const op = `${file}: ${INPUT}`;
  if (formatShape(input.shape) !== formatShape(x.shape)) {
    throw new ShapeError({ op, expected: formatShape(x.shape), got: formatShape(input.shape) });
  }
  const differing = input.data.findIndex((v, i) => v !== x.data[i] && v !== Math.fround(x.data[i]));
  if (differing < 0) return;
  const [expected, got] = [
    `${x.data[differing]} at element ${differing}, as in the other input`,
    `${input.data[differing]}`,
  ];
  throw new WeightsError({ op, expected, got });
}

/**
 * The outputs in a dump, by layer.
 *
 * @param config a configuration with the input_size of x
 * @param x the batch of the comparison
 * @throws WeightsError for a dump of another batch or network, ShapeError for a tensor of another shape
 */
export function outputsOfDump(dump: Dump, config: ModelConfig, x: Tensor): LayerOutputs {
  requireInput(dump, x);
  const plan = planNetwork(config, config.input_size);
  const tensors = new Map(dump.tensors);
  tensors.delete(INPUT);
  const assigned = assignOutputs(tensors, plan, x.shape[0], 'modules', dump.file);
  if (assigned.outputs.length > 0) return assigned;
  const examples = plan.filter((layer) => isModule(layer, plan)).slice(0, 3);
  throw new WeightsError({
    op: dump.file,
    expected: `outputs of the ${config.form} form's modules (${examples.map(({ name }) => name).join(', ')}, …)`,
    got: [...tensors.keys()].slice(0, 3).join(', ') || `${INPUT} only`,
  });
}
