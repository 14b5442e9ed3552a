import type { ModelConfig } from '../../core/config.js';
import { checkValues } from '../../core/parameters.js';
import { sizeOf } from '../../core/tensor.js';
import { sequentialParts, type WeightStream } from '../../core/weights.js';
import { normalizationTables } from '../../image/normalize.js';
import { REGION_KIND } from './descriptors.js';
import type { Layout, RegionLayout } from './layout.js';
import type { ProgramExports } from '../module.js';
import { packedFloats } from '../packedShape.js';

/** A network in linear memory, ready to run. */
export interface Network {
  readonly layout: Layout;
  /** The whole linear memory as floats and as words. */
  readonly floats: Float32Array;
  readonly words: Uint32Array;
  /** The block of the image, as float32 planes and as bytes. */
  readonly planes: Float32Array;
  readonly bytes: Uint8Array;
  readonly features: Float32Array;
  readonly logits: Float32Array;
  /** Runs regions `first` to `last` (exclusive); by default all. */
  readonly run: (first?: number, last?: number) => void;
  /** Runs panels of one region on this thread; for benchmarks and tests. */
  readonly runPanels: (region: RegionLayout, from: number, to: number) => void;
}

/**
 * Allocates the memory of a layout and streams the weights into it, packing each part as it arrives.
 *
 * @param kernels an instance that no other network uses
 * @param mayWait whether this thread may block while others finish
 * @throws WeightsError if a tensor is incomplete, unknown or out of order
 * @throws BackendUnavailableError if the machine does not have enough memory
 */
export async function loadNetwork(
  kernels: ProgramExports,
  config: ModelConfig,
  layout: Layout,
  weights: WeightStream,
  mayWait = true,
): Promise<Network> {
  layout.arena.commit(kernels.memory);
  const { buffer } = kernels.memory;
  const floats = new Float32Array(buffer);
  const words = new Uint32Array(buffer);
  const view = (block: number, count: number): Float32Array => floats.subarray(block / 4, block / 4 + count);

  for (const [address, values] of layout.words) words.set(values, address / 4);
  normalizationTables(config.in_chans, config.mean, config.std).forEach((values, c) => {
    floats.set(values, layout.table / 4 + 256 * c);
  });

  // The scratch is not in use yet.
  const staging = view(layout.scratch[0], Math.floor(layout.scratchBytes / 4));
  for (const weight of layout.weights.values()) {
    const { block, rows, width } = weight;
    if (packedFloats(weight) > rows * width) view(block, packedFloats(weight)).fill(0);
  }
  const shapes = new Map([...layout.weights].map(([name, { rows, width }]) => [name, [rows, width]]));
  for await (const { name, offset, data } of sequentialParts(weights, shapes)) {
    const weight = layout.weights.get(name);
    // `sequentialParts` passes known names only.
    if (weight === undefined) continue;
    const { block, width, depth, lanes } = weight;
    for (let at = 0; at < data.length; at += staging.length) {
      const values = data.subarray(at, at + staging.length);
      staging.set(values);
      // A finite float64 may overflow in float32.
      if (data instanceof Float64Array)
        checkValues(name, staging.subarray(0, values.length), offset + at, weights.file);
      const first = offset + at;
      kernels.packLanes(block, layout.scratch[0], width, depth, lanes, first, first + values.length);
    }
  }

  const { program, scratch, regions } = layout;
  const pixels = config.input_size[0] * config.input_size[1];
  return {
    layout,
    floats,
    words,
    planes: view(layout.image.block, sizeOf([config.in_chans, pixels])),
    bytes: new Uint8Array(buffer, layout.image.block, 4 * config.in_chans * pixels),
    features: view(layout.features, config.dims[config.dims.length - 1]),
    logits: view(layout.logits, config.num_classes),
    run(first = 0, last = regions.length) {
      kernels.runProgram(program, scratch[0], first, last, mayWait);
    },
    runPanels({ address }, from, to) {
      kernels.runRegion(address, scratch[0], from, to);
    },
  };
}

/** Sets the network's image from float32 planes [in_chans,h,w]. */
export function setPlanes({ words, planes, layout }: Network, x: ArrayLike<number>): void {
  words[layout.image.kind / 4] = REGION_KIND.planes;
  planes.set(x);
}

/** Sets the network's image from bytes [h,w,interleaved], which are normalized while the stem packs them. */
export function setBytes({ words, bytes, layout }: Network, data: ArrayLike<number>, interleaved: number): void {
  words[layout.image.kind / 4] = REGION_KIND.bytes;
  words[layout.image.interleaved / 4] = interleaved;
  bytes.set(data);
}
