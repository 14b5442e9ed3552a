/** Where the tensors of a network in training lie. */
import type { ModelConfig } from '../../core/config.js';
import { layerId } from '../../core/optimizer.js';
import { isBuffer, isCounter, isDepthwise, parameterShapes } from '../../core/parameters.js';
import { refuseAverage, type Family } from '../../core/resume.js';
import { sizeOf, type StateDict, type Tensor } from '../../core/tensor.js';
import type { Arena } from '../arena.js';
import type { ProgramExports } from '../module.js';
import { packedFloats, roundUpToLanes, type PackedShape } from '../packedShape.js';

/** A tensor's place: among the parameters, or among the buffers. */
export interface TensorBlock extends PackedShape {
  readonly shape: readonly number[];
  /** Address of its values. */
  readonly block: number;
  /** Of its gradient; null for running statistics. */
  readonly grad: number | null;
  /** Bytes from where the state begins, and so from where gradients, moments and averages do. */
  readonly offset: number;
}

/** The network's numbers: parameters, then running statistics; the other blocks are in the same order. */
export interface StateBlocks {
  readonly state: number;
  readonly grad: number;
  readonly m: number;
  readonly v: number;
  /** Where an average is kept, and where gradients are added up that one step needs several passes for. */
  readonly ema: number | null;
  readonly sum: number | null;
  /** Floats of the parameters, and of the whole state. */
  readonly parameters: number;
  readonly floats: number;
}

/** Parameters that are side by side, so that an optimizer sees them as one; so are gradients and moments. */
export interface ParameterGroup {
  readonly param: number;
  readonly grad: number;
  readonly m: number;
  readonly v: number;
  readonly floats: number;
  /** Whether they are weights of convolutions, and not biases and norms. */
  readonly weights: boolean;
  /** See `layerId`. */
  readonly layer: number;
}

/** Four outputs side by side; what feeds a product over planes is filled up as they are. */
function packed(name: string, [rows, ...rest]: readonly number[]): PackedShape {
  const width = sizeOf(rest);
  const isPointwise = rest.length > 0 && rest[1] === 1 && !isDepthwise(name);
  return { rows, width, depth: isPointwise ? roundUpToLanes(rest[0]) : width, lanes: 4 };
}

/** Packs a state's tensors to their places; `scratch` is room for a part of one. */
export function loadTensors(
  kernels: Pick<ProgramExports, 'memory' | 'packLanes'>,
  tensors: ReadonlyMap<string, TensorBlock>,
  state: StateDict,
  scratch: { readonly block: number; readonly floats: number },
): void {
  const memory = new Float32Array(kernels.memory.buffer);
  for (const [name, { block, width, depth, lanes }] of tensors) {
    const { data } = state.get(name) ?? { data: new Float32Array(0) };
    for (let first = 0; first < data.length; first += scratch.floats) {
      const values = data.subarray(first, first + scratch.floats);
      memory.set(values, scratch.block / 4);
      kernels.packLanes(block, scratch.block, width, depth, lanes, first, first + values.length);
    }
  }
}

/** What lies at a tensor's place, or where its gradient does, as rows; a copy. */
export function readTensor(memory: Float32Array, tensor: TensorBlock, block: number): Tensor {
  const { rows, width, depth, lanes, shape } = tensor;
  const data = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) {
    const from = block / 4 + Math.floor(r / lanes) * depth * lanes + (r % lanes);
    for (let k = 0; k < width; k++) data[r * width + k] = memory[from + k * lanes];
  }
  return { data, shape };
}

/** The same tensors in another block of the state's order, with this before their names: moments, averages. */
export const tensorsAt = (
  tensors: ReadonlyMap<string, TensorBlock>,
  base: number,
  { prefix = '', buffers = false } = {},
): ReadonlyMap<string, TensorBlock> =>
  new Map(
    [...tensors]
      .filter(([, { grad }]) => buffers || grad !== null)
      .map(([name, tensor]) => [`${prefix}${name}`, { ...tensor, block: base + tensor.offset }]),
  );

/** Where the averaged state is kept. @throws ParamError where none is */
export function averageAt({ tensors, blocks }: Placed): ReadonlyMap<string, TensorBlock> {
  return tensorsAt(tensors, blocks.ema ?? refuseAverage(), { buffers: true });
}

/** Where a family's moments are. */
export function momentsAt({ tensors, blocks }: Placed, family: Family | null): ReadonlyMap<string, TensorBlock> {
  if (family === null) return new Map();
  if (family === 'sgd') return tensorsAt(tensors, blocks.m, { prefix: 'momentum_buffer.' });
  return new Map([
    ...tensorsAt(tensors, blocks.m, { prefix: 'exp_avg.' }),
    ...tensorsAt(tensors, blocks.v, { prefix: 'exp_avg_sq.' }),
  ]);
}

/** Where the gradients are. */
export const gradientsAt = ({ tensors, blocks }: Placed): ReadonlyMap<string, TensorBlock> =>
  tensorsAt(tensors, blocks.grad);

type Placed = Pick<PlacedTensors, 'tensors' | 'blocks'>;

export interface PlacedTensors {
  readonly tensors: ReadonlyMap<string, TensorBlock>;
  readonly blocks: StateBlocks;
  /** Parameters that every optimizer treats alike, and each on its own. */
  readonly groups: readonly ParameterGroup[];
  readonly members: readonly ParameterGroup[];
}

/** @param room whether there is to be some for an average of the state, and for a sum of gradients */
export function placeTensors(
  config: ModelConfig,
  arena: Arena,
  room: { readonly ema: boolean; readonly sum: boolean },
): PlacedTensors {
  const stages = config.strides.length;
  const named = [...parameterShapes(config)]
    .filter(([name]) => !isCounter(name))
    .map(([name, shape]) => ({
      name,
      shape,
      layer: layerId(name, stages),
      weights: shape.length > 1,
      ...packed(name, shape),
    }));
  const learned = named.filter(({ name }) => !isBuffer(name));
  const sets = Array.from({ length: stages + 2 }, (_, layer) =>
    [true, false].map((weights) => learned.filter((each) => each.layer === layer && each.weights === weights)),
  ).flat();
  const floatsOf = (all: readonly PackedShape[]): number => all.reduce((sum, form) => sum + packedFloats(form), 0);
  const [parameters, floats] = [floatsOf(learned), floatsOf(named)];
  const blocks: StateBlocks = {
    state: arena.reserveFloats(floats),
    grad: arena.reserveFloats(parameters),
    m: arena.reserveFloats(parameters),
    v: arena.reserveFloats(parameters),
    ema: room.ema ? arena.reserveFloats(floats) : null,
    sum: room.sum ? arena.reserveFloats(parameters) : null,
    parameters,
    floats,
  };
  const tensors = new Map<string, TensorBlock>();
  const [groups, members]: ParameterGroup[][] = [[], []];
  let offset = 0;
  const groupOf = (all: readonly (typeof named)[number][]): ParameterGroup => ({
    param: blocks.state + offset,
    grad: blocks.grad + offset,
    m: blocks.m + offset,
    v: blocks.v + offset,
    floats: floatsOf(all),
    weights: all[0].weights,
    layer: all[0].layer,
  });
  for (const set of sets) {
    groups.push(groupOf(set));
    for (const each of set) {
      members.push(groupOf([each]));
      tensors.set(each.name, { ...each, block: blocks.state + offset, grad: blocks.grad + offset, offset });
      offset += 4 * packedFloats(each);
    }
  }
  for (const each of named.filter(({ name }) => isBuffer(name))) {
    tensors.set(each.name, { ...each, block: blocks.state + offset, grad: null, offset });
    offset += 4 * packedFloats(each);
  }
  return { tensors, blocks, groups, members };
}
