import type { ModelConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { Arena } from './arena.js';
import type { Kernels } from './module.js';
import { packLanes } from './packLanes.js';
import { ORDER, planStages, stemWindows, type StagePlan } from './stages.js';

/** The fields of `Stage` in assembly/stage.ts, in its order. */
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
] as const;

type StageFields = Readonly<Record<(typeof STAGE_FIELDS)[number], number>>;

/**
 * A part of the network whose panels of eight output channels do not depend on
 * each other: all of them are done before the next part begins.
 */
export interface Region {
  readonly name: string;
  readonly panels: number;
  /** Multiply-adds of all panels that the network asks for, without zeroes that fill up and pixels that are dropped. */
  readonly macs: number;
  readonly run: (from: number, to: number) => void;
}

/** One map on its way through the network, to be looked at. */
export interface Probe {
  readonly name: string;
  /** Computes the map once more, in row order, and copies it. */
  readonly read: () => Tensor;
}

/** A network in linear memory, ready to run on what lies in `image`. */
export interface Network {
  readonly image: Float32Array;
  readonly features: Float32Array;
  readonly logits: Float32Array;
  /** Packs the image; then the regions run, in order. */
  readonly pack: () => void;
  readonly regions: readonly Region[];
  /** The map of each stage, in the regions' order: good before that region runs, as long as all before it have. */
  readonly probes: readonly Probe[];
}

/** Every count of channels is filled up to whole panels. */
const LANES = 8;
const whole = (channels: number): number => Math.ceil(channels / LANES) * LANES;

/** A weight that will be packed into its block as soon as there is memory. */
interface Upload {
  readonly block: number;
  readonly floats: number;
  readonly data: FloatArray;
  readonly width: number;
  readonly depth: number;
  readonly lanes: number;
}

/** Reserves blocks for weights and remembers what goes into them. */
class Uploads {
  readonly #arena: Arena;
  readonly #state: StateDict;
  readonly #entries: (Omit<Upload, 'data'> & { readonly name: string })[] = [];

  constructor(arena: Arena, state: StateDict) {
    this.#arena = arena;
    this.#state = state;
  }

  /** Address of [⌈rows/lanes⌉][depth][lanes] for a weight whose rows are `width` long. */
  reserve(name: string, rows: number, width: number, depth: number, lanes: number): number {
    const floats = Math.ceil(rows / lanes) * lanes * depth;
    const block = this.#arena.reserveFloats(floats);
    this.#entries.push({ name, block, floats, width, depth, lanes });
    return block;
  }

  /** @throws WeightsError where the state lacks one. */
  found(): Upload[] {
    return this.#entries.map(({ name, ...upload }) => {
      const tensor = this.#state.get(name);
      if (tensor === undefined) throw new WeightsError({ op: name, expected: 'a tensor', got: 'none of that name' });
      return { ...upload, data: tensor.data };
    });
  }
}

/** Pixels [groups][depth][4] in row order as a map [1,channels,h,w]. */
function unpack(pixels: Float32Array, depth: number, { channels, h, w }: StagePlan): Tensor {
  const data = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < h * w; p++) data[c * h * w + p] = pixels[((p >> 2) * depth + c) * 4 + (p & 3)];
  }
  return { data, shape: [1, channels, h, w] };
}

/**
 * Lays the whole network out, grows memory once and packs the weights. Pixels go
 * back and forth between two blocks, each as large as the largest map that comes
 * to lie in it.
 *
 * @param kernels an instance of its own
 * @param arena on its memory
 * @throws ShapeError, ParamError, WeightsError, BackendUnavailableError
 */
export function loadNetwork(
  kernels: Kernels,
  config: ModelConfig,
  state: StateDict,
  arena = new Arena('wasm', kernels.heapBase()),
): Network {
  const { in_chans, num_classes, act_num: n } = config;
  const [imageHeight, imageWidth] = config.input_size;
  const stages = planStages(config);
  const last = stages[stages.length - 1];
  const taps = (2 * n + 1) ** 2;

  const imageFloats = in_chans * imageHeight * imageWidth;
  const image = arena.reserveFloats(imageFloats);
  const largest = [stages[0].groups * stages[0].depth * 4, 0];
  const mapFloats = ({ channels, h, w }: StagePlan): number => Math.ceil((h * w) / 4) * 4 * whole(channels);
  stages.forEach((stage, i) => {
    const side = (i + 1) % 2;
    largest[side] = Math.max(largest[side], mapFloats(stage));
  });
  const pixels = largest.map((floats) => arena.reserveFloats(floats));
  const features = arena.reserveFloats(whole(last.channels));
  const logits = arena.reserveFloats(whole(num_classes));
  const scratch = arena.reserve(Math.max(...stages.map(({ groups, h, w }) => kernels.panelScratch(groups, h, w, n))));

  const uploads = new Uploads(arena, state);
  const depthOf = (i: number): number => (i === 0 ? stages[0].depth : whole(stages[i].depth));
  const descriptors = stages.map((stage, i) => {
    const { conv, act, channels } = stage;
    const depth = depthOf(i);
    const fields: StageFields = {
      ...stage,
      n,
      depth,
      channels: whole(channels),
      pixels: pixels[i % 2],
      output: stage.order === ORDER.mean ? features : pixels[(i + 1) % 2],
      weight: uploads.reserve(`${conv}.weight`, channels, stage.depth, depth, LANES),
      bias: uploads.reserve(`${conv}.bias`, channels, 1, 1, LANES),
      actWeight: uploads.reserve(`${act}.weight`, whole(channels), taps, taps, 4),
      actBias: uploads.reserve(`${act}.bias`, channels, 1, 1, LANES),
    };
    const inRows: StageFields = { ...fields, output: pixels[(i + 1) % 2], order: ORDER.rows };
    const reserve = (): number => arena.reserveFloats(STAGE_FIELDS.length);
    return { stage, fields, inRows, address: reserve(), addressInRows: reserve() };
  });
  const headDepth = whole(last.channels);
  const headWeight = uploads.reserve('cls.2.weight', num_classes, last.channels, headDepth, LANES);
  const headBias = uploads.reserve('cls.2.bias', num_classes, 1, 1, LANES);
  const found = uploads.found();
  arena.commit(kernels.memory);

  const memory = new Float32Array(kernels.memory.buffer);
  const words = new Uint32Array(kernels.memory.buffer);
  const view = (block: number, floats: number): Float32Array => memory.subarray(block / 4, block / 4 + floats);
  for (const { block, floats, data, width, depth, lanes } of found) {
    const panels = view(block, floats);
    if (data.length < floats) panels.fill(0);
    packLanes(panels, data, width, depth, lanes);
  }
  for (const { fields, inRows, address, addressInRows } of descriptors) {
    STAGE_FIELDS.forEach((field, i) => {
      words[address / 4 + i] = fields[field];
      words[addressInRows / 4 + i] = inRows[field];
    });
  }

  const { size: stem, stride, padding } = stemWindows(config);
  return {
    image: view(image, imageFloats),
    features: view(features, last.channels),
    logits: view(logits, num_classes),
    pack() {
      kernels.packImage(pixels[0], image, in_chans, imageHeight, imageWidth, stem[0], stem[1], stride, padding);
    },
    regions: [
      ...descriptors.map(({ stage, fields, address }, i) => ({
        name: i === 0 ? 'stem' : `stages.${i - 1}`,
        panels: fields.channels / LANES,
        macs: stage.channels * (stage.depth * stage.rows * stage.columns + taps * stage.h * stage.w),
        run(from: number, to: number) {
          kernels.runPanels(address, scratch, from, to);
        },
      })),
      {
        name: 'cls',
        panels: whole(num_classes) / LANES,
        macs: num_classes * last.channels,
        run(from, to) {
          kernels.linear(logits, features, headWeight, headBias, headDepth, from, to);
        },
      },
    ],
    probes: descriptors.map(({ stage, inRows, addressInRows }) => ({
      name: stage.act,
      read() {
        kernels.runPanels(addressInRows, scratch, 0, inRows.channels / LANES);
        return unpack(view(inRows.output, mapFloats(stage)), inRows.channels, stage);
      },
    })),
  };
}

/** Runs the network on its image. */
export function runNetwork({ pack, regions }: Network): void {
  pack();
  for (const { run, panels } of regions) run(0, panels);
}

/**
 * Runs the network on its image and copies what it stores on the way: the map
 * after each stage, the features and the logits, by the names of `planNetwork`.
 */
export function probeNetwork({ pack, regions, probes, features, logits }: Network): Map<string, Tensor> {
  pack();
  const outputs = new Map<string, Tensor>();
  regions.forEach(({ run, panels }, i) => {
    if (i < probes.length) outputs.set(probes[i].name, probes[i].read());
    run(0, panels);
  });
  outputs.set('cls.0', { data: features.slice(), shape: [1, features.length, 1, 1] });
  outputs.set('cls.2', { data: logits.slice(), shape: [1, logits.length, 1, 1] });
  return outputs;
}
