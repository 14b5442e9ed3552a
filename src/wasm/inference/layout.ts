/**
 * Plans where everything of a network lies in linear memory, before any memory is allocated: descriptors that assembly/
 * reads, weights, activations, scratch.
 */
import type { ModelConfig } from '../../core/config.js';
import { Arena } from '../arena.js';
import { offsetOf, reserveDescriptor, type Descriptor } from '../descriptor.js';
import { LANES, packedFloats, roundUpToLanes, type PackedShape } from '../packedShape.js';
import { Program, type Words } from '../program.js';
import { PASS, REGION } from '../sharedDescriptors.js';
import { IMAGE, LINEAR, PIXEL_ORDER, REGION_KIND, STAGE } from './descriptors.js';
import { planHead, planStages, stemWindows, type HeadPlan, type StagePlan } from './stages.js';

/** Where blocks begin: the module's own memory lies below. */
const BASE = 2 ** 16;

/** The address of a weight, and its order there. */
export interface WeightBlock extends PackedShape {
  readonly block: number;
}

/** A region of the program: see assembly/inference/region.ts. */
export interface RegionLayout {
  /** PyTorch's name of the module that it computes; `image` for the region that packs the image. */
  readonly name: string;
  readonly address: number;
  readonly panels: number;
  /** Multiply-adds of the network in this region, without those of zero padding and of pixels that pooling drops. */
  readonly macs: number;
}

/** A stage's place in memory. */
export interface StageLayout extends StagePlan {
  /** Index of its region. */
  readonly region: number;
  /** Addresses of two fields of its descriptor, which change while its map is read. */
  readonly fields: Readonly<Record<'output' | 'order', number>>;
  /** Address of its output. */
  readonly output: number;
  /** Address where its map can be written instead. */
  readonly pixels: number;
  /** Channels, rounded up to whole panels. */
  readonly pitch: number;
}

/** Bytes of linear memory by use. */
export interface MemoryUse {
  /** Packed weights, with their padding. */
  readonly weights: number;
  /** The image, the maps between stages, features and logits. */
  readonly activations: number;
  /** The working memory of the threads. */
  readonly scratch: number;
  /** All of the linear memory. */
  readonly total: number;
}

/** The whole plan. All places are byte addresses. */
export interface Layout {
  readonly use: MemoryUse;
  readonly weights: ReadonlyMap<string, WeightBlock>;
  readonly program: number;
  /** Values to write before anything runs. */
  readonly words: Words;
  readonly regions: readonly RegionLayout[];
  readonly stages: readonly StageLayout[];
  readonly head: HeadPlan;
  /** The image's block, and the addresses of the two words that tell how its pixels are stored. */
  readonly image: { readonly block: number; readonly kind: number; readonly interleaved: number };
  /** Float32 [in_chans][256]. */
  readonly table: number;
  readonly features: number;
  readonly logits: number;
  /** A block for each thread, and the bytes of one block. */
  readonly scratch: readonly number[];
  readonly scratchBytes: number;
  readonly arena: Arena;
}

export interface LayoutOptions {
  readonly threads?: number;
  /** Reserves the blocks; for tests. */
  readonly arena?: Arena;
}

/** A stage, and its counts of channels rounded up to whole panels. */
interface PaddedStage {
  readonly plan: StagePlan;
  /** Of its pixels: the channels of the stage before. */
  readonly depth: number;
  readonly channels: number;
}

function padStages(plans: readonly StagePlan[]): PaddedStage[] {
  return plans.map((plan, i) => ({
    plan,
    // The stem's pixels are windows of the image, which fill their rows.
    depth: i === 0 ? plan.depth : roundUpToLanes(plans[i - 1].channels),
    channels: roundUpToLanes(plan.channels),
  }));
}

/** Offsets in a thread's scratch: see `Stage` in assembly/inference/stage.ts. */
function stageScratch({ groups, h, w }: StagePlan, n: number): { low: number; high: number; map: number; end: number } {
  const low = 4 * LANES * 4 * groups;
  const plane = 16 * h * (w + 2 * n);
  const map = low + 2 * plane;
  return { low, high: low + plane, map, end: map + 16 * (h * w + PASS) };
}

interface Activations {
  readonly image: number;
  readonly table: number;
  /** Two blocks of pixels: stage i reads block i mod 2 and writes the other. */
  readonly pixels: readonly number[];
  readonly features: number;
  readonly logits: number;
}

function reserveActivations(arena: Arena, config: ModelConfig, stages: readonly PaddedStage[]): Activations {
  const [h, w] = config.input_size;
  const image = arena.reserveFloats(config.in_chans * h * w);
  const table = arena.reserveFloats(256 * config.in_chans);
  const floats = [stages[0].plan.groups * stages[0].plan.depth * 4, 0];
  stages.forEach(({ plan, channels }, i) => {
    const side = (i + 1) % 2;
    floats[side] = Math.max(floats[side], Math.ceil((plan.h * plan.w) / 4) * 4 * channels);
  });
  return {
    image,
    table,
    pixels: floats.map((count) => arena.reserveFloats(count)),
    features: arena.reserveFloats(stages[stages.length - 1].channels),
    logits: arena.reserveFloats(roundUpToLanes(config.num_classes)),
  };
}

interface ConvWeights {
  readonly weight: number;
  readonly bias: number;
}
type StageWeights = ConvWeights & { readonly actWeight: number; readonly actBias: number };

interface Weights {
  readonly blocks: ReadonlyMap<string, WeightBlock>;
  readonly stages: readonly StageWeights[];
  readonly head: ConvWeights;
}

function reserveWeights(
  arena: Arena,
  config: ModelConfig,
  stages: readonly PaddedStage[],
  { conv: linear }: HeadPlan,
): Weights {
  const blocks = new Map<string, WeightBlock>();
  const reserve = (name: string, rows: number, width: number, depth: number, lanes: number): number => {
    const shape = { rows, width, depth, lanes };
    const block = arena.reserveFloats(packedFloats(shape));
    blocks.set(name, { block, ...shape });
    return block;
  };
  const taps = (2 * config.act_num + 1) ** 2;
  const stageWeights = stages.map(({ plan: { conv, act, channels, depth: width }, depth }) => ({
    weight: reserve(`${conv}.weight`, channels, width, depth, LANES),
    bias: reserve(`${conv}.bias`, channels, 1, 1, LANES),
    actWeight: reserve(`${act}.weight`, channels, taps, taps, 4),
    actBias: reserve(`${act}.bias`, channels, 1, 1, LANES),
  }));
  const last = stages[stages.length - 1];
  const head = {
    weight: reserve(`${linear}.weight`, config.num_classes, last.plan.channels, last.channels, LANES),
    bias: reserve(`${linear}.bias`, config.num_classes, 1, 1, LANES),
  };
  return { blocks, stages: stageWeights, head };
}

/** The program of a network, region by region. */
class ProgramLayout {
  readonly program: Program;
  readonly regions: RegionLayout[] = [];

  constructor(
    private readonly arena: Arena,
    private readonly config: ModelConfig,
    regions: number,
    threads: number,
  ) {
    this.program = new Program(arena, regions, threads);
  }

  /** The region that packs the image into the stem's windows. */
  addImage({ image, table, pixels }: Activations, { plan }: PaddedStage): Descriptor<keyof typeof IMAGE> {
    const { size, stride, padding } = stemWindows(this.config);
    const [h, w] = this.config.input_size;
    const c = this.config.in_chans;
    const values = {
      pixels: pixels[0],
      image,
      table,
      interleaved: c,
      c,
      h,
      w,
      oh: size[0],
      ow: size[1],
      stride,
      padding,
    };
    const record = this.#record(IMAGE, values);
    this.#region('image', REGION_KIND.planes, record.address, plan.groups, 0);
    return record;
  }

  addStage({ plan, depth, channels }: PaddedStage, weights: StageWeights, from: number, activations: Activations) {
    const { act_num: n } = this.config;
    const next = activations.pixels[(from + 1) % 2];
    const output = plan.order === PIXEL_ORDER.mean ? activations.features : next;
    const { low, high, map } = stageScratch(plan, n);
    const { groups, pool, rows, columns, width, h, w, order } = plan;
    const record = this.#record(STAGE, {
      ...weights,
      ...{ groups, pool, rows, columns, width, h, w, order, low, high, map },
      pixels: activations.pixels[from % 2],
      output,
      depth,
      channels,
      n,
    });
    const macs = plan.channels * (plan.depth * rows * columns + (2 * n + 1) ** 2 * h * w);
    const region = this.#region(plan.name, REGION_KIND.stage, record.address, channels / LANES, macs);
    const fields = { output: record.addressOf('output'), order: record.addressOf('order') };
    return { ...plan, region, fields, output, pixels: next, pitch: channels } satisfies StageLayout;
  }

  addHead({ weight, bias }: ConvWeights, { features, logits }: Activations, last: PaddedStage): void {
    const { num_classes } = this.config;
    const record = this.#record(LINEAR, { y: logits, x: features, weight, bias, depth: last.channels });
    const panels = roundUpToLanes(num_classes) / LANES;
    this.#region('cls', REGION_KIND.linear, record.address, panels, num_classes * last.plan.channels);
  }

  #record<K extends string>(fields: Readonly<Record<K, 'u32'>>, values: Readonly<Record<K, number>>): Descriptor<K> {
    const record = reserveDescriptor(this.arena, fields);
    this.program.addRecord(record.address, fields, values);
    return record;
  }

  /** @returns its index */
  #region(name: string, kind: number, operands: number, panels: number, macs: number): number {
    return this.regions.push({ name, address: this.program.add(kind, operands, panels), panels, macs }) - 1;
  }
}

/**
 * Plans the memory of a network. Pixels go back and forth between two blocks, each as large as the largest map that it
 * holds.
 *
 * @throws ShapeError if `config.input_size` is too small for the network
 * @throws ParamError if the network does not fit into 32-bit addresses
 */
export function planLayout(
  config: ModelConfig,
  { threads = 1, arena = new Arena('wasm', BASE) }: LayoutOptions = {},
): Layout {
  const stages = padStages(planStages(config));
  const head = planHead(config);
  // The image, the stages and the classifier.
  const program = new ProgramLayout(arena, config, stages.length + 2, threads);

  const beforeActivations = arena.end;
  const activations = reserveActivations(arena, config, stages);
  const activationBytes = arena.end - beforeActivations;

  const scratchBytes = Math.max(...stages.map(({ plan }) => stageScratch(plan, config.act_num).end));
  const scratch = Array.from({ length: threads }, () => arena.reserve(scratchBytes));

  const beforeWeights = arena.end;
  const weights = reserveWeights(arena, config, stages, head);
  const weightBytes = arena.end - beforeWeights;

  const image = program.addImage(activations, stages[0]);
  const stageLayouts = stages.map((stage, i) => program.addStage(stage, weights.stages[i], i, activations));
  program.addHead(weights.head, activations, stages[stages.length - 1]);

  return {
    use: {
      weights: weightBytes,
      activations: activationBytes,
      scratch: threads * scratchBytes,
      total: arena.end,
    },
    weights: weights.blocks,
    program: program.program.address,
    words: program.program.words,
    regions: program.regions,
    stages: stageLayouts,
    head,
    image: {
      block: activations.image,
      kind: program.regions[0].address + offsetOf(REGION, 'kind'),
      interleaved: image.addressOf('interleaved'),
    },
    table: activations.table,
    features: activations.features,
    logits: activations.logits,
    scratch,
    scratchBytes,
    arena,
  };
}
