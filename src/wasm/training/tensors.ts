/** The places of a network's tensors in linear memory during training. */
import type { ModelConfig } from '../../core/config.js';
import { layerId } from '../../core/optimizer.js';
import { isBuffer, isCounter, isDepthwise, parameterShapes } from '../../core/parameters.js';
import { refuseAverage, type Family } from '../../core/resume.js';
import { sizeOf, type StateDict, type Tensor } from '../../core/tensor.js';
import type { Arena } from '../arena.js';
import type { ProgramExports } from '../module.js';
import { packedFloats, roundUpToLanes, type PackedShape } from '../packedShape.js';

/** A parameter or a buffer in memory. */
export interface TensorBlock extends PackedShape {
  readonly shape: readonly number[];
  /** Address of its values. */
  readonly block: number;
  /** Address of its gradient; null for running statistics, and for parameters that stay as they are. */
  readonly grad: number | null;

  /** Byte offset in the state; the same in the blocks of gradients, moments and averages. */
  readonly offset: number;
}

/**
 * Blocks of the whole network: parameters that are trained, those that stay as they are, then running statistics. All blocks
 * have the same order.
 */
export interface StateBlocks {
  readonly state: number;
  readonly grad: number;
  readonly m: number;
  readonly v: number;
  /** The averaged state, and the sum of gradients over the passes of a step; null if not needed. */
  readonly ema: number | null;
  readonly sum: number | null;
  /** Floats of the parameters that are trained, those before the running statistics, and of the whole state. */
  readonly parameters: number;
  readonly statistics: number;
  readonly floats: number;
}

/** Adjacent parameters that an optimizer treats as one array, with their gradients and moments. */
export interface ParameterGroup {
  readonly param: number;
  readonly grad: number;
  readonly m: number;
  readonly v: number;
  readonly floats: number;
  /** True for weights of convolutions, false for biases and the parameters of norms. */
  readonly weights: boolean;
  /** See `layerId`. */
  readonly layer: number;
}

/** Four output channels side by side. The inputs of a 1x1 convolution are padded like planes. */
function packedShape(name: string, [rows, ...rest]: readonly number[]): PackedShape {
  const width = sizeOf(rest);
  const isPointwise = rest.length > 0 && rest[1] === 1 && !isDepthwise(name);
  return { rows, width, depth: isPointwise ? roundUpToLanes(rest[0]) : width, lanes: 4 };
}

/** Packs the tensors of a state into their blocks. @param scratch a block for a part of one tensor */
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

/** Reads a tensor, or its gradient or moment, from a block, as a copy. */
export function readTensor(memory: Float32Array, tensor: TensorBlock, block: number): Tensor {
  const { rows, width, depth, lanes, shape } = tensor;
  const data = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) {
    const from = block / 4 + Math.floor(r / lanes) * depth * lanes + (r % lanes);
    for (let k = 0; k < width; k++) data[r * width + k] = memory[from + k * lanes];
  }
  return { data, shape };
}

/** The places of the tensors in another block of the same order (moments, averages), with prefixed names. */
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

/** The places of the averaged state. @throws ParamError if no average is kept */
export function averageAt({ tensors, blocks }: Placed): ReadonlyMap<string, TensorBlock> {
  return tensorsAt(tensors, blocks.ema ?? refuseAverage(), { buffers: true });
}

/** The places of the moments of an optimizer family. */
export function momentsAt({ tensors, blocks }: Placed, family: Family | null): ReadonlyMap<string, TensorBlock> {
  if (family === null) return new Map();
  if (family === 'sgd') return tensorsAt(tensors, blocks.m, { prefix: 'momentum_buffer.' });
  return new Map([
    ...tensorsAt(tensors, blocks.m, { prefix: 'exp_avg.' }),
    ...tensorsAt(tensors, blocks.v, { prefix: 'exp_avg_sq.' }),
  ]);
}

/** The places of the gradients. */
export const gradientsAt = ({ tensors, blocks }: Placed): ReadonlyMap<string, TensorBlock> =>
  tensorsAt(tensors, blocks.grad);

type Placed = Pick<PlacedTensors, 'tensors' | 'blocks'>;

export interface PlacedTensors {
  readonly tensors: ReadonlyMap<string, TensorBlock>;
  readonly blocks: StateBlocks;
  /** Parameters with the same rate and decay, and each parameter as its own group. */
  readonly groups: readonly ParameterGroup[];
  readonly members: readonly ParameterGroup[];
}

/** A tensor before it has a place. */
type TensorPlan = PackedShape & {
  readonly name: string;
  readonly shape: readonly number[];
  readonly layer: number;
  readonly weights: boolean;
};

function planTensors(config: ModelConfig): TensorPlan[] {
  const stages = config.strides.length;
  return [...parameterShapes(config)]
    .filter(([name]) => !isCounter(name))
    .map(([name, shape]) => ({
      name,
      shape,
      layer: layerId(name, stages),
      weights: shape.length > 1,
      ...packedShape(name, shape),
    }));
}

const floatsOf = (shapes: readonly PackedShape[]): number =>
  shapes.reduce((sum, shape) => sum + packedFloats(shape), 0);

/** Groups of parameters that every optimizer treats alike: for each layer, its weights, then its biases and norms. */
function groupParameters(parameters: readonly TensorPlan[], stages: number): TensorPlan[][] {
  return Array.from({ length: stages + 2 }, (_, layer) =>
    [true, false].map((weights) => parameters.filter((each) => each.layer === layer && each.weights === weights)),
  ).flat();
}

/** Whether to reserve an average of the state, and a sum of gradients. */
interface Room {
  readonly ema: boolean;
  readonly sum: boolean;
}

function reserveBlocks(
  arena: Arena,
  { parameters, statistics, floats }: Pick<StateBlocks, 'parameters' | 'statistics' | 'floats'>,
  room: Room,
): StateBlocks {
  return {
    state: arena.reserveFloats(floats),
    grad: arena.reserveFloats(parameters),
    m: arena.reserveFloats(parameters),
    v: arena.reserveFloats(parameters),
    ema: room.ema ? arena.reserveFloats(floats) : null,
    sum: room.sum ? arena.reserveFloats(parameters) : null,
    parameters,
    statistics,
    floats,
  };
}

/** Reserves the blocks of all tensors, and places the tensors in them. @param frozen tensors that no step changes */
export function placeTensors(
  config: ModelConfig,
  arena: Arena,
  room: Room,
  frozen: ReadonlySet<string> = new Set(),
): PlacedTensors {
  const plans = planTensors(config);
  const isParameter = ({ name }: TensorPlan): boolean => !isBuffer(name);
  const parameters = plans.filter((plan) => isParameter(plan) && !frozen.has(plan.name));
  const constants = plans.filter((plan) => isParameter(plan) && frozen.has(plan.name));
  const buffers = plans.filter((plan) => !isParameter(plan));
  const trained = floatsOf(parameters);
  const statistics = trained + floatsOf(constants);
  const blocks = reserveBlocks(arena, { parameters: trained, statistics, floats: floatsOf(plans) }, room);

  const tensors = new Map<string, TensorBlock>();
  const [groups, members]: ParameterGroup[][] = [[], []];
  let offset = 0;
  const groupAt = (plansOfGroup: readonly TensorPlan[]): ParameterGroup => ({
    param: blocks.state + offset,
    grad: blocks.grad + offset,
    m: blocks.m + offset,
    v: blocks.v + offset,
    floats: floatsOf(plansOfGroup),
    weights: plansOfGroup[0].weights,
    layer: plansOfGroup[0].layer,
  });
  const place = (plan: TensorPlan, grad: number | null): void => {
    tensors.set(plan.name, { ...plan, block: blocks.state + offset, grad, offset });
    offset += 4 * packedFloats(plan);
  };
  for (const group of groupParameters(parameters, config.strides.length)) {
    // A layer that stays as it is.
    if (group.length === 0) continue;
    groups.push(groupAt(group));
    for (const plan of group) {
      members.push(groupAt([plan]));
      place(plan, blocks.grad + offset);
    }
  }
  for (const plan of [...constants, ...buffers]) place(plan, null);
  return { tensors, blocks, groups, members };
}
