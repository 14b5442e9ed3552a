/**
 * Plans where everything of a network in training lies in linear memory, before any memory is allocated. For the layout
 * of its maps see assembly/training/planes.ts.
 */
import type { ModelConfig } from '../../core/config.js';
import type { Loss } from '../../core/optimizer.js';
import { frozenTensors } from '../../core/freeze.js';
import { planNetwork, type Layer, type LayerOf } from '../../core/network.js';
import { checkImages, leastImages, type RunningVar } from '../../core/trainingRules.js';
import { unreachable } from '../../core/unreachable.js';
import { Arena } from '../arena.js';
import { roundUpToLanes } from '../packedShape.js';
import { Program } from '../program.js';
import { PASS } from '../sharedDescriptors.js';
import { Builder, type Shared } from './builder.js';
import type { Descriptor } from '../descriptor.js';
import { SOFTMAX_CROSS_ENTROPY, type DROPOUT } from './descriptors.js';
import {
  placeAccumulation,
  placeAverage,
  placeOptimizers,
  type Accumulation,
  type Average,
  type Optimizers,
  type Span,
} from './optimizers.js';
import { planesBytes, type Planes } from './planes.js';
import { placeTensors, type StateBlocks, type TensorBlock } from './tensors.js';
import { batchNorm, conv2d, depthwiseConv2d, globalAvgPool, maxPool2d, stemWindowsShape, type Unit } from './units.js';

/** Where blocks begin: the module's own memory lies below. */
const BASE = 2 ** 16;
/** How to need less memory. */
const REMEDIES = {
  fewerImages: 'Increase gradAccumSteps (--grad-accum-steps), so that each pass has fewer images.',
  smallerNetwork: 'It does not fit with the fewest images a pass: choose a smaller variant or input size.',
  fewerWeights: 'The weights, gradients and moments alone do not fit: choose a smaller variant.',
} as const;

export type { Span };

/** A unit's place in the program, so that tests can judge the units one by one. */
export interface UnitLayout {
  readonly name: string;
  readonly x: Planes;
  readonly y: Planes;
  readonly forward: Span;
  readonly backward: Span;
  /** Addresses of the gradients of y, before `backward`, and of x, after it. */
  readonly dy: number;
  readonly dx: number;
}

/** The whole plan. All places are byte addresses. */
export interface TrainingLayout {
  readonly arena: Arena;
  readonly program: Program;
  readonly units: readonly UnitLayout[];
  readonly forward: Span;
  /** The loss and the gradients. */
  readonly backward: Span;
  /** Null if each step has one pass. */
  readonly accumulation: Accumulation | null;
  readonly optimizers: Optimizers;
  /** Null without an average of the weights. */
  readonly average: Average | null;
  /** The forward pass in eval mode, and the loss. */
  readonly evaluate: Span;
  /** A block for each thread, and the bytes of one block. */
  readonly scratch: readonly number[];
  readonly scratchBytes: number;
  /** Writes the program and all descriptors. */
  readonly write: (view: DataView) => void;
  readonly tensors: ReadonlyMap<string, TensorBlock>;
  readonly blocks: StateBlocks;
  /** [n,in_chans,h,w] */
  readonly images: number;
  /** Float32 [n,num_classes], and float64 [n]. */
  readonly targets: number;
  readonly losses: number;
  /** λ, a float32. */
  readonly lambda: number;
  readonly logits: Planes;
  /** Bytes of each of the two blocks that hold gradients in turn. */
  readonly sideBytes: number;
  readonly dropout: Descriptor<keyof typeof DROPOUT>;
}

/** Floats of scratch that a thread needs for a layer: see assembly/training/depthwiseConv2d.ts. */
function scratchFloats(layer: Layer): number {
  if (layer.op !== 'depthwiseConv2d') return 0;
  const [, h, w] = layer.input;
  const kernel = layer.weight[2];
  const taps = kernel * PASS * Math.ceil(kernel / PASS);
  return 4 + 4 * (h * (w + kernel - 1) + PASS) + 4 * (h * w + PASS) + 4 * taps;
}

const isPool = (layer: Layer): layer is LayerOf<'maxPool2d' | 'adaptiveMaxPool2d'> =>
  layer.op === 'maxPool2d' || layer.op === 'adaptiveMaxPool2d';

/** Builds the units of a chain of layers. An activation is one unit with the pool or batch norm before it. */
function buildUnits(b: Builder, layers: readonly Layer[]): { units: Unit[]; dropout: TrainingLayout['dropout'] } {
  const units: Unit[] = [];
  let dropout: TrainingLayout['dropout'] | null = null;
  let opBefore: Layer['op'] | null = null;
  for (let i = 0; i < layers.length; i++) {
    const layer = layers[i];
    const next = layers.at(i + 1);
    const x = units.length === 0 ? null : units[units.length - 1].y;
    const before = opBefore;
    opBefore = layer.op;
    if (layer.op === 'conv2d') {
      const links = { normBefore: before === 'batchNorm', normAfter: next?.op === 'batchNorm' };
      units.push(conv2d(b, layer, x, links));
    } else if (x === null || layer.op === 'dropout') {
      throw new Error(`${layer.name}: a network begins with a convolution, and its dropout follows the mean`);
    } else if (layer.op === 'batchNorm') {
      const leaky = next?.name.endsWith('.leaky') ?? false;
      if (leaky) i++;
      const links = { leaky, convBefore: before === 'conv2d', convAfter: layers.at(i + 1)?.op === 'conv2d' };
      units.push(batchNorm(b, layer, x, links));
    } else if (layer.op === 'depthwiseConv2d') {
      units.push(depthwiseConv2d(b, layer, x));
    } else if (layer.op === 'globalAvgPool') {
      if (next?.op !== 'dropout') throw new Error(`${layer.name}: dropout follows the mean`);
      const unit = globalAvgPool(b, layer, next, x);
      units.push(unit);
      dropout = unit.dropout;
      i++;
    } else if (layer.op === 'leakyRelu') {
      units.push(maxPool2d(b, null, layer, x));
    } else if (isPool(layer)) {
      if (next?.op !== 'leakyRelu') throw new Error(`${layer.name}: an activation follows the pool`);
      units.push(maxPool2d(b, layer, next, x));
      i++;
    } else {
      unreachable(layer);
    }
  }
  if (dropout === null) throw new Error('a network ends in a mean');
  return { units, dropout };
}

/** What a layout depends on, besides the configuration and the images of a pass. */
export interface TrainingPlan {
  readonly threads: number;
  /** Default cross-entropy. */
  readonly loss?: Loss | undefined;
  /** Whether to keep an average of the weights. Default false. */
  readonly ema?: boolean | undefined;
  /** Passes a step. With more than one, memory is reserved for the sum of their gradients. Default 1. */
  readonly gradAccumSteps?: number | undefined;
  /** The variance that updates the running statistics. Default 'unbiased'. */
  readonly runningVar?: RunningVar | undefined;
  /** Parts that stay as they are: see `frozenTensors`. Default none. */
  readonly freeze?: readonly string[] | undefined;
}

/** Bytes of the largest map of a pass, the stem's windows among them. */
function largestMapBytes(layers: readonly Layer[], convolutions: readonly LayerOf<'conv2d'>[], n: number): number {
  const maps = [stemWindowsShape(convolutions[0]), ...layers.map(({ output }) => output)];
  return Math.max(...maps.map(([c, h, w]) => planesBytes(roundUpToLanes(c), n * h * w)));
}

/** Reserves the blocks that units use one after the other. */
function reserveShared(arena: Arena, config: ModelConfig, layers: readonly Layer[], n: number) {
  const [h, w] = config.input_size;
  const convolutions = layers.filter((layer): layer is LayerOf<'conv2d'> => layer.op === 'conv2d');
  const weightFloats = convolutions.map(({ input, output }) => roundUpToLanes(input[0]) * roundUpToLanes(output[0]));
  const sideBytes = largestMapBytes(layers, convolutions, n);
  const shared: Shared = {
    images: arena.reserveFloats(n * config.in_chans * h * w),
    lambda: arena.reserveFloats(1),
    one: arena.reserveFloats(1),
    transposed: arena.reserveFloats(Math.max(...weightFloats)),
    panels: arena.reserve(sideBytes),
    sides: [arena.reserve(sideBytes), arena.reserve(sideBytes)],
  };
  return { shared, sideBytes };
}

/** Adds regions to the program. @returns which ones */
function spanOf(program: Program, addRegions: () => void): Span {
  const first = program.length;
  addRegions();
  return [first, program.length];
}

/** Adds the forward pass, the loss and the backward pass. */
function addPasses(b: Builder, units: readonly Unit[], addLoss: () => void) {
  const { program } = b;
  const forwards: Span[] = [];
  const forward = spanOf(program, () => {
    for (const unit of units) {
      forwards.push(
        spanOf(program, () => {
          unit.forward();
        }),
      );
    }
  });
  const unitLayouts: UnitLayout[] = [];
  const backward = spanOf(program, () => {
    addLoss();
    let [dy] = b.shared.sides;
    // Below the first unit that is trained, gradients are of no use.
    const first = units.findIndex(({ name }) => b.isTrained(name));
    for (let i = units.length - 1; i >= 0; i--) {
      const { name, x, y } = units[i];
      let dx = dy;
      const span = spanOf(program, () => {
        if (i >= first) dx = units[i].backward(dy);
      });
      unitLayouts.unshift({ name, x, y, forward: forwards[i], backward: span, dy, dx });
      dy = dx;
    }
  });
  return { forward, backward, units: unitLayouts };
}

/** Whether something fits into 32-bit addresses. */
function fits(place: () => unknown): boolean {
  try {
    place();
    return true;
  } catch {
    return false;
  }
}

/** What lets a network that does not fit into memory fit: most of the memory grows with the images of a pass. */
function remedyFor(config: ModelConfig, n: number, plan: TrainingPlan): string {
  const { ema = false, gradAccumSteps = 1 } = plan;
  const options = { ema, sum: gradAccumSteps > 1 };
  const frozen = frozenTensors(plan.freeze ?? [], config);
  if (!fits(() => placeTensors(config, new Arena('training', BASE), options, frozen))) return REMEDIES.fewerWeights;
  const least = leastImages(config);
  const isDivisible = n > least && fits(() => planTraining(config, least, { ...plan, gradAccumSteps: n }));
  return isDivisible ? REMEDIES.fewerImages : REMEDIES.smallerNetwork;
}

/**
 * Plans the memory of a network in training.
 *
 * @param n images of a pass
 * @throws ShapeError if `config.input_size` is too small
 * @throws ParamError if the network does not fit into 32-bit addresses, or if a batch norm would have one value a channel
 */
export function planTraining(
  config: ModelConfig,
  n: number,
  {
    threads,
    loss = 'cross-entropy',
    ema = false,
    gradAccumSteps = 1,
    runningVar = 'unbiased',
    freeze = [],
  }: TrainingPlan,
): TrainingLayout {
  checkImages(n, config);
  const layers = planNetwork(config, config.input_size);
  const frozen = frozenTensors(freeze, config);
  const plan = { threads, loss, ema, gradAccumSteps, runningVar, freeze };
  const arena = new Arena('training', BASE, () => remedyFor(config, n, plan));
  const { tensors, blocks, groups, members } = placeTensors(config, arena, { ema, sum: gradAccumSteps > 1 }, frozen);
  // An upper bound: each layer adds a few regions to each pass, each optimizer a few for each tensor.
  const regions = 10 * layers.length + 2 * groups.length + 2 * members.length + 9;
  const program = new Program(arena, regions, threads, threads);
  const { shared, sideBytes } = reserveShared(arena, config, layers, n);
  const targets = arena.reserveFloats(n * config.num_classes);
  const losses = arena.reserve(8 * n);
  // At least 4096 floats, because weights are packed through this block, a part at a time.
  const scratchBytes = 4 * Math.max(4096, ...layers.map(scratchFloats));
  const scratch = Array.from({ length: threads }, () => arena.reserve(scratchBytes));

  const b = new Builder(arena, program, { n, runningVar, frozen }, shared, tensors);
  const span = (addRegions: () => void): Span => spanOf(program, addRegions);
  const { units, dropout } = buildUnits(b, layers);
  const logits = units[units.length - 1].y;
  const lossOperands = b.place(SOFTMAX_CROSS_ENTROPY, {
    x: logits.block,
    dx: shared.sides[0],
    q: targets,
    loss: losses,
    n,
    classes: config.num_classes,
  });
  const addLoss = (): void => {
    b.run(loss === 'bce' ? 'bce' : 'crossEntropy', lossOperands, n);
  };
  const passes = addPasses(b, units, addLoss);
  const accumulation = placeAccumulation(b, blocks, span);
  const optimizers = placeOptimizers(b, blocks, groups, members, span);
  const average = placeAverage(b, blocks, span);
  const evaluate = span(() => {
    for (const unit of units) unit.evaluate();
    addLoss();
  });

  return {
    ...{ arena, program, ...passes, accumulation, optimizers, average, evaluate, scratch, scratchBytes },
    ...{ tensors, blocks, targets, losses, logits, sideBytes, dropout },
    images: shared.images,
    lambda: shared.lambda,
    write(view) {
      b.writeAll(view);
      view.setFloat32(shared.one, 1, true);
    },
  };
}
