/**
 * Where everything of a network lies in linear memory, worked out before there is
 * any: descriptors that assembly/ reads, weights, activations, scratch.
 */
import type { ModelConfig } from '../../core/config.js';
import { Arena } from '../arena.js';
import { LANES, packedFloats, roundUpToLanes, type PackedShape } from '../packedShape.js';
import { Program, type Words } from '../program.js';
import { ORDER, planStages, stemWindows, type StagePlan } from './stages.js';

/** The fields of `Image` in assembly/inference/packImage.ts, in its order. */
const IMAGE_FIELDS = [
  'pixels',
  'image',
  'table',
  'interleaved',
  'c',
  'h',
  'w',
  'oh',
  'ow',
  'stride',
  'padding',
] as const;

/** The fields of `Stage` in assembly/inference/stage.ts, in its order. */
const STAGE_FIELDS = [
  'pixels',
  'weight',
  'bias',
  'actWeight',
  'actBias',
  'output',
  'groups',
  'depth',
  'channels',
  'pool',
  'rows',
  'columns',
  'width',
  'h',
  'w',
  'n',
  'order',
  'low',
  'high',
  'map',
] as const;

/** The fields of `Linear` in assembly/inference/region.ts, in its order. */
const LINEAR_FIELDS = ['y', 'x', 'weight', 'bias', 'depth'] as const;

/** Values of `Region.kind`. */
export const REGION = { planes: 0, bytes: 1, stage: 2, linear: 3 } as const;

/** Outputs of one pass of assembly/shared/depthwisePlane.ts, which may go so far beyond a map, and read so far beyond a plane. */
const PASS = 7;

/** The module's own, and more than it needs. */
const BASE = 2 ** 16;

/** A weight's place, and its order there. */
export interface WeightBlock extends PackedShape {
  readonly block: number;
}

/** Part of the network, all of which is done before the next begins: see assembly/inference/region.ts. */
export interface RegionLayout {
  /** The module it computes, by PyTorch's name; `image` for the packing of the image. */
  readonly name: string;
  readonly address: number;
  readonly panels: number;
  /** Multiply-adds of all panels that the network asks for, without zeroes that fill up and pixels that are dropped. */
  readonly macs: number;
}

/** A stage's own words, of which two can be changed to see its map. */
export interface StageLayout extends StagePlan {
  readonly region: number;
  /** Address of its descriptor's word. */
  readonly fields: Readonly<Record<'output' | 'order', number>>;
  /** Where its output goes, and where a map can go instead. */
  readonly output: number;
  readonly pixels: number;
  /** Channels, filled up. */
  readonly pitch: number;
}

/** Bytes, by what they are for. */
export interface MemoryUse {
  /** Weights, packed, with what fills them up. */
  readonly weights: number;
  /** The image, the maps between stages, features and logits. */
  readonly activations: number;
  /** What the threads work in. */
  readonly scratch: number;
  /** All of the linear memory. */
  readonly total: number;
}

export interface Layout {
  readonly use: MemoryUse;
  readonly weights: ReadonlyMap<string, WeightBlock>;
  readonly program: number;
  /** Words to be written before anything runs. */
  readonly words: Words;
  readonly regions: readonly RegionLayout[];
  readonly stages: readonly StageLayout[];
  readonly image: { readonly block: number; readonly kind: number; readonly interleaved: number };
  /** Float32 [in_chans][256]. */
  readonly table: number;
  readonly features: number;
  readonly logits: number;
  /** A block for each thread, and the bytes of one. */
  readonly scratch: readonly number[];
  readonly scratchBytes: number;
  readonly arena: Arena;
}

/** Offsets in a thread's scratch: see `Stage` in assembly/inference/stage.ts. */
function stageScratch({ groups, h, w }: StagePlan, n: number): { low: number; high: number; map: number; end: number } {
  const low = 4 * LANES * 4 * groups;
  const plane = 16 * h * (w + 2 * n);
  const map = low + 2 * plane;
  return { low, high: low + plane, map, end: map + 16 * (h * w + PASS) };
}

export interface LayoutOptions {
  readonly threads?: number;
  /** Where blocks are taken from; for tests. */
  readonly arena?: Arena;
}

/**
 * Lays a network out. Pixels go back and forth between two blocks, each as large
 * as the largest map that comes to lie in it.
 *
 * @throws ShapeError where `config.input_size` is too small for the network.
 * @throws ParamError where 32-bit addresses do not reach so far.
 */
export function planLayout(
  config: ModelConfig,
  { threads = 1, arena = new Arena('wasm', BASE) }: LayoutOptions = {},
): Layout {
  const { in_chans, num_classes, act_num: n } = config;
  const [imageHeight, imageWidth] = config.input_size;
  const plans = planStages(config);
  const last = plans[plans.length - 1];
  const taps = (2 * n + 1) ** 2;

  const descriptors: [number, number[]][] = [];
  function descriptor<K extends string>(names: readonly K[], values: Readonly<Record<K, number>>): Record<K, number> {
    const address = arena.reserveFloats(names.length);
    descriptors.push([address, names.map((name) => values[name])]);
    return Object.fromEntries(names.map((name, i) => [name, address + 4 * i])) as Record<K, number>;
  }

  const regions: RegionLayout[] = [];
  const program = new Program(arena, plans.length + 2, threads);
  function region(name: string, kind: number, operands: number, panels: number, macs: number): number {
    return regions.push({ name, address: program.add(kind, operands, panels), panels, macs }) - 1;
  }

  // Activations.
  const beforeActivations = arena.end;
  const image = arena.reserveFloats(in_chans * imageHeight * imageWidth);
  const table = arena.reserveFloats(256 * in_chans);
  const largest = [plans[0].groups * plans[0].depth * 4, 0];
  const pitches = plans.map(({ channels }) => roundUpToLanes(channels));
  plans.forEach(({ h, w }, i) => {
    const side = (i + 1) % 2;
    largest[side] = Math.max(largest[side], Math.ceil((h * w) / 4) * 4 * pitches[i]);
  });
  const pixels = largest.map((floats) => arena.reserveFloats(floats));
  const features = arena.reserveFloats(roundUpToLanes(last.channels));
  const logits = arena.reserveFloats(roundUpToLanes(num_classes));
  const activations = arena.end - beforeActivations;

  const scratchBytes = Math.max(...plans.map((plan) => stageScratch(plan, n).end));
  const scratch = Array.from({ length: threads }, () => arena.reserve(scratchBytes));

  // Weights.
  const beforeWeights = arena.end;
  const weights = new Map<string, WeightBlock>();
  function weight(name: string, rows: number, width: number, depth: number, lanes: number): number {
    const shape = { rows, width, depth, lanes };
    const block = arena.reserveFloats(packedFloats(shape));
    weights.set(name, { block, ...shape });
    return block;
  }
  const stageWeights = plans.map(({ conv, act, channels, depth }, i) => ({
    weight: weight(`${conv}.weight`, channels, depth, i === 0 ? depth : pitches[i - 1], LANES),
    bias: weight(`${conv}.bias`, channels, 1, 1, LANES),
    actWeight: weight(`${act}.weight`, channels, taps, taps, 4),
    actBias: weight(`${act}.bias`, channels, 1, 1, LANES),
  }));
  const headDepth = roundUpToLanes(last.channels);
  const headWeight = weight('cls.2.weight', num_classes, last.channels, headDepth, LANES);
  const headBias = weight('cls.2.bias', num_classes, 1, 1, LANES);
  const weightBytes = arena.end - beforeWeights;

  // Descriptors.
  const { size: stem, stride, padding } = stemWindows(config);
  const windows = descriptor(IMAGE_FIELDS, {
    pixels: pixels[0],
    image,
    table,
    interleaved: in_chans,
    c: in_chans,
    h: imageHeight,
    w: imageWidth,
    oh: stem[0],
    ow: stem[1],
    stride,
    padding,
  });
  region('image', REGION.planes, windows.pixels, plans[0].groups, 0);
  const stages = plans.map((plan, i): StageLayout => {
    const next = pixels[(i + 1) % 2];
    const output = plan.order === ORDER.mean ? features : next;
    const depth = i === 0 ? plan.depth : pitches[i - 1];
    const fields = descriptor(STAGE_FIELDS, {
      ...plan,
      ...stageWeights[i],
      ...stageScratch(plan, n),
      pixels: pixels[i % 2],
      output,
      depth,
      channels: pitches[i],
      n,
    });
    const macs = plan.channels * (plan.depth * plan.rows * plan.columns + taps * plan.h * plan.w);
    const index = region(plan.name, REGION.stage, fields.pixels, pitches[i] / LANES, macs);
    return { ...plan, region: index, fields, output, pixels: next, pitch: pitches[i] };
  });
  const head = descriptor(LINEAR_FIELDS, {
    y: logits,
    x: features,
    weight: headWeight,
    bias: headBias,
    depth: headDepth,
  });
  region('cls', REGION.linear, head.y, roundUpToLanes(num_classes) / LANES, num_classes * last.channels);

  return {
    use: { weights: weightBytes, activations, scratch: threads * scratchBytes, total: arena.end },
    weights,
    program: program.address,
    words: [...program.words, ...descriptors],
    regions,
    stages,
    image: { block: image, kind: regions[0].address, interleaved: windows.interleaved },
    table,
    features,
    logits,
    scratch,
    scratchBytes,
    arena,
  };
}
