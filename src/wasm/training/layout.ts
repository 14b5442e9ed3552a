/**
 * Where everything of a network in training lies in linear memory, worked out before
 * there is any; see assembly/training/planes.ts for what its maps look like.
 */
import type { ModelConfig } from '../../core/config.js';
import type { Loss } from '../../core/optimizer.js';
import { planNetwork, type Layer, type LayerOf } from '../../core/network.js';
import { checkImages } from '../../core/trainingRules.js';
import { Arena } from '../arena.js';
import { roundUpToLanes } from '../packedShape.js';
import { Program } from '../program.js';
import { PASS } from '../sharedDescriptors.js';
import { Builder } from './builder.js';
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
import { batchNorm, conv2d, depthwiseConv2d, globalAvgPool, maxPool2d, windowsOf, type Unit } from './units.js';

/** The module's own, and more than it needs. */
const BASE = 2 ** 16;
/** What most of the memory is for grows with the images of a pass. */
const REMEDY = 'more of gradAccumSteps (--grad-accum-steps) pass fewer images at once';

export type { Span };

/** A unit's place in the program, for whoever judges them one by one. */
export interface UnitLayout {
  readonly name: string;
  readonly x: Planes;
  readonly y: Planes;
  readonly forward: Span;
  readonly backward: Span;
  /** Where the gradients of y and x are, before and after `backward`. */
  readonly dy: number;
  readonly dx: number;
}

export interface TrainingLayout {
  readonly arena: Arena;
  readonly program: Program;
  readonly units: readonly UnitLayout[];
  readonly forward: Span;
  /** The loss, and all that follows from it. */
  readonly backward: Span;
  /** Null where every pass is a step's only one. */
  readonly accumulation: Accumulation | null;
  readonly optimizers: Optimizers;
  /** Null where no average is kept. */
  readonly average: Average | null;
  /** All the way to the loss. */
  readonly evaluate: Span;
  readonly scratch: readonly number[];
  readonly scratchBytes: number;
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
  /** Bytes of each of the two blocks that gradients go back and forth between. */
  readonly sideBytes: number;
  readonly dropout: Descriptor<keyof typeof DROPOUT>;
}

/** Floats that a thread needs for a layer: see assembly/training/depthwiseConv2d.ts. */
function scratchFloats(layer: Layer): number {
  if (layer.op !== 'depthwiseConv2d') return 0;
  const [, h, w] = layer.input;
  const kernel = layer.weight[2];
  const taps = kernel * PASS * Math.ceil(kernel / PASS);
  return 4 + 4 * (h * (w + kernel - 1) + PASS) + 4 * (h * w + PASS) + 4 * taps;
}

function unitsOf(b: Builder, layers: readonly Layer[]): { units: Unit[]; dropout: TrainingLayout['dropout'] } {
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
      const normed = { before: before === 'batchNorm', behind: next?.op === 'batchNorm' };
      units.push(conv2d(b, layer, x, normed));
    } else if (x === null || layer.op === 'dropout') {
      throw new Error(`${layer.name}: a network begins with a convolution and drops out behind its mean`);
    } else if (layer.op === 'batchNorm') {
      const leaky = next?.name.endsWith('.leaky') ?? false;
      if (leaky) i++;
      const convs = { convBefore: before === 'conv2d', convBehind: layers.at(i + 1)?.op === 'conv2d' };
      units.push(batchNorm(b, layer, x, { leaky, ...convs }));
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
    } else {
      if (next === undefined) throw new Error(`${layer.name}: an activation follows the pool`);
      units.push(maxPool2d(b, layer, next, x));
      i++;
    }
  }
  if (dropout === null) throw new Error('a network ends in a mean');
  return { units, dropout };
}

/** How a network is to be laid out. */
export interface TrainingPlan {
  readonly threads: number;
  /** Default cross-entropy. */
  readonly loss?: Loss | undefined;
  /** Default false. */
  readonly ema?: boolean | undefined;
  /** Passes a step: with more than one there is room for the sum of their gradients. Default 1. */
  readonly gradAccumSteps?: number | undefined;
}

/**
 * @param n images of a pass
 * @throws ShapeError where `config.input_size` is too small, ParamError where 32-bit addresses do not
 *   reach so far, or where a batch norm would see one value
 */
export function planTraining(
  config: ModelConfig,
  n: number,
  { threads, loss: kind = 'cross-entropy', ema = false, gradAccumSteps = 1 }: TrainingPlan,
): TrainingLayout {
  checkImages(n, config);
  const layers = planNetwork(config, config.input_size);
  const arena = new Arena('training', BASE, REMEDY);
  const { tensors, blocks, groups, members } = placeTensors(config, arena, { ema, sum: gradAccumSteps > 1 });
  // Every layer is a few regions on the way forward, a few back, a few in eval; optimizers are a few a tensor.
  const regions = 10 * layers.length + 2 * groups.length + 2 * members.length + 9;
  const program = new Program(arena, regions, threads, threads);

  const [h, w] = config.input_size;
  const convolutions = layers.filter((layer): layer is LayerOf<'conv2d'> => layer.op === 'conv2d');
  const maps = [windowsOf(convolutions[0]), ...layers.map(({ output }) => output)];
  const largest = Math.max(...maps.map(([c, oh, ow]) => planesBytes(roundUpToLanes(c), n * oh * ow)));
  const largestWeight = Math.max(
    ...convolutions.map(({ input, output }) => roundUpToLanes(input[0]) * roundUpToLanes(output[0])),
  );
  const shared = {
    images: arena.reserveFloats(n * config.in_chans * h * w),
    lambda: arena.reserveFloats(1),
    one: arena.reserveFloats(1),
    transposed: arena.reserveFloats(largestWeight),
    panels: arena.reserve(largest),
    sides: [arena.reserve(largest), arena.reserve(largest)] as const,
  };
  const targets = arena.reserveFloats(n * config.num_classes);
  const losses = arena.reserve(8 * n);
  // Weights are packed there, too, a part at a time.
  const scratchBytes = 4 * Math.max(4096, ...layers.map(scratchFloats));
  const scratch = Array.from({ length: threads }, () => arena.reserve(scratchBytes));

  const b = new Builder(arena, program, n, shared, tensors);
  const span = (write: () => void): Span => {
    const first = program.length;
    write();
    return [first, program.length];
  };
  const { units, dropout } = unitsOf(b, layers);
  const logits = units[units.length - 1].y;
  const [first] = shared.sides;
  const loss = b.place(SOFTMAX_CROSS_ENTROPY, {
    x: logits.block,
    dx: first,
    q: targets,
    loss: losses,
    n,
    classes: config.num_classes,
  });

  const lossKind = kind === 'bce' ? 'bce' : 'crossEntropy';

  const forwards: Span[] = [];
  const forward = span(() => {
    for (const unit of units)
      forwards.push(
        span(() => {
          unit.forward();
        }),
      );
  });
  const laidOut: UnitLayout[] = [];
  const backward = span(() => {
    b.run(lossKind, loss, n);
    let dy = first;
    for (let i = units.length - 1; i >= 0; i--) {
      const { name, x, y } = units[i];
      let dx = dy;
      const back = span(() => {
        dx = units[i].backward(dy);
      });
      laidOut.unshift({ name, x, y, forward: forwards[i], backward: back, dy, dx });
      dy = dx;
    }
  });
  const accumulation = placeAccumulation(b, blocks, span);
  const optimizers = placeOptimizers(b, blocks, groups, members, span);
  const average = placeAverage(b, blocks, span);
  const evaluate = span(() => {
    for (const unit of units) unit.evaluate();
    b.run(lossKind, loss, n);
  });

  return {
    arena,
    program,
    units: laidOut,
    forward,
    backward,
    accumulation,
    optimizers,
    average,
    evaluate,
    scratch,
    scratchBytes,
    write(view) {
      b.writeAll(view);
      view.setFloat32(shared.one, 1, true);
    },
    tensors,
    blocks,
    images: shared.images,
    targets,
    losses,
    lambda: shared.lambda,
    logits,
    sideBytes: largest,
    dropout,
  };
}
