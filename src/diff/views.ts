/** What somebody shows of a network at work. */
import { ShapeError } from '../core/errors.js';
import type { Layer } from '../core/network.js';
import { formatShape, sizeOf, type Tensor } from '../core/tensor.js';
import { lastLayerOf } from './names.js';

/** The output of one layer, as somebody computed it. */
export interface View {
  /** Position of the layer in the plan. */
  readonly layer: number;
  /** What it is called where it comes from. */
  readonly name: string;
  /** [n,c,h,w] */
  readonly tensor: Tensor;
}

export interface Views {
  /** At most one a layer, in the network's order. */
  readonly views: readonly View[];
  /** Names that belong to no layer. */
  readonly unknown: readonly string[];
}

/** The tensor as [n,c,h,w]; features and logits may come without their axes of one. */
function asMaps({ data, shape }: Tensor, [c, h, w]: Layer['output'], n: number, op: string): Tensor {
  const full = [n, c, h, w];
  const fits = formatShape(shape) === formatShape(full) || (h * w === 1 && formatShape(shape) === formatShape([n, c]));
  if (!fits || data.length !== sizeOf(full)) {
    throw new ShapeError({ op, expected: formatShape(full), got: formatShape(shape) });
  }
  return { data, shape: full };
}

/**
 * Tensors by names as the outputs of layers. Where several are the same layer's, as those of a Sequential
 * and of its last module, the one with the shortest name stays: it is what the next module is given.
 *
 * @param by `layers`, the names of `planNetwork`, or `modules`, those of PyTorch's modules
 * @param n images
 * @param op how errors call where the tensors come from
 * @throws ShapeError naming the tensor
 */
export function viewsOf(
  tensors: ReadonlyMap<string, Tensor>,
  plan: readonly Layer[],
  n: number,
  by: 'layers' | 'modules',
  op: string,
): Views {
  const found = new Map<number, View>();
  const unknown: string[] = [];
  for (const [name, tensor] of tensors) {
    const layer = by === 'layers' ? plan.findIndex((each) => each.name === name) : lastLayerOf(name, plan);
    if (layer < 0) {
      unknown.push(name);
      continue;
    }
    const view = { layer, name, tensor: asMaps(tensor, plan[layer].output, n, `${op}: ${name}`) };
    const other = found.get(layer);
    if (other === undefined || name.length < other.name.length) found.set(layer, view);
  }
  return { views: [...found.values()].sort((a, b) => a.layer - b.layer), unknown };
}
