/** Outputs of a network's layers. */
import { ShapeError } from '../core/errors.js';
import type { Layer } from '../core/network.js';
import { formatShape, sizeOf, type Tensor } from '../core/tensor.js';
import { lastLayerOf } from './names.js';

/** The output of one layer. */
export interface LayerOutput {
  /** Position of the layer in the plan. */
  readonly layer: number;
  /** The tensor's name in its source. */
  readonly name: string;
  /** [n,c,h,w] */
  readonly tensor: Tensor;
}

export interface LayerOutputs {
  /** At most one a layer, in the network's order. */
  readonly outputs: readonly LayerOutput[];
  /** Names of tensors that are not the output of a layer. */
  readonly unknown: readonly string[];
}

/** The tensor as [n,c,h,w]. Features and logits may lack the axes of size 1. */
function asMaps({ data, shape }: Tensor, [c, h, w]: Layer['output'], n: number, op: string): Tensor {
  const full = [n, c, h, w];
  const fits = formatShape(shape) === formatShape(full) || (h * w === 1 && formatShape(shape) === formatShape([n, c]));
  if (!fits || data.length !== sizeOf(full)) {
    throw new ShapeError({ op, expected: formatShape(full), got: formatShape(shape) });
  }
  return { data, shape: full };
}

/**
 * Assigns tensors to layers by their names. If several belong to one layer, as those of a Sequential and of its last
 * module, the one with the shortest name is used: it is the input of the next module.
 *
 * @param by `layers`, the names of `planNetwork`, or `modules`, those of PyTorch's modules
 * @param n number of images
 * @param op the source's name in errors
 * @throws ShapeError that names the tensor
 */
export function assignOutputs(
  tensors: ReadonlyMap<string, Tensor>,
  plan: readonly Layer[],
  n: number,
  by: 'layers' | 'modules',
  op: string,
): LayerOutputs {
  const outputs = new Map<number, LayerOutput>();
  const unknown: string[] = [];
  for (const [name, tensor] of tensors) {
    const layer = by === 'layers' ? plan.findIndex((each) => each.name === name) : lastLayerOf(name, plan);
    if (layer < 0) {
      unknown.push(name);
      continue;
    }
    const output = { layer, name, tensor: asMaps(tensor, plan[layer].output, n, `${op}: ${name}`) };
    const other = outputs.get(layer);
    if (other === undefined || name.length < other.name.length) outputs.set(layer, output);
  }
  return { outputs: [...outputs.values()].sort((a, b) => a.layer - b.layer), unknown };
}
