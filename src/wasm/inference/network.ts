import type { ModelConfig } from '../../core/config.js';
import { checkValues } from '../../core/parameters.js';
import { sizeOf } from '../../core/tensor.js';
import { sequentialParts, type WeightStream } from '../../core/weights.js';
import { normalizationTables } from '../../image/normalize.js';
import { REGION_KIND } from './descriptors.js';
import type { Layout, RegionLayout } from './layout.js';
import type { Build } from '../module.js';
import { packedFloats } from '../packedShape.js';
import type { ProgramInstance } from '../team.js';

/** Parts of the linear memory of a network. */
interface Views {
  readonly buffer: ArrayBuffer;
  readonly floats: Float32Array;
  readonly words: Uint32Array;
  readonly planes: Float32Array;
  readonly bytes: Uint8Array;
  readonly features: Float32Array;
  readonly logits: Float32Array;
}

function viewsOf(buffer: ArrayBuffer, config: ModelConfig, layout: Layout): Views {
  const floats = new Float32Array(buffer);
  const view = (block: number, count: number): Float32Array => floats.subarray(block / 4, block / 4 + count);
  const values = sizeOf([config.in_chans, ...config.input_size]);
  return {
    buffer,
    floats,
    words: new Uint32Array(buffer),
    planes: view(layout.image.block, values),
    bytes: new Uint8Array(buffer, layout.image.block, 4 * values),
    features: view(layout.features, config.dims[config.dims.length - 1]),
    logits: view(layout.logits, config.num_classes),
  };
}

/** A network in linear memory, ready to run. Its views are valid until the next run, which may replace the memory. */
export class Network {
  readonly #instance: ProgramInstance;
  readonly #config: ModelConfig;
  #views: Views;

  constructor(
    instance: ProgramInstance,
    config: ModelConfig,
    readonly layout: Layout,
  ) {
    this.#instance = instance;
    this.#config = config;
    this.#views = viewsOf(instance.kernels.memory.buffer, config, layout);
  }

  /** The whole linear memory as floats. */
  get floats(): Float32Array {
    return this.#views.floats;
  }

  /** The whole linear memory as words. */
  get words(): Uint32Array {
    return this.#views.words;
  }

  /** The block of the image, as float32 planes. */
  get planes(): Float32Array {
    return this.#views.planes;
  }

  /** The block of the image, as bytes. */
  get bytes(): Uint8Array {
    return this.#views.bytes;
  }

  get features(): Float32Array {
    return this.#views.features;
  }

  get logits(): Float32Array {
    return this.#views.logits;
  }

  /** Details of the instance: see `WasmSession.info`. */
  get info(): { readonly build: Build; readonly threads: number; readonly memory: number } {
    const { kernels, threads } = this.#instance;
    return { build: kernels.isRelaxed() ? 'relaxed' : 'plain', threads, memory: this.#views.buffer.byteLength };
  }

  /**
   * Runs regions `first` to `last` (exclusive); by default all.
   *
   * @throws BackendUnavailableError if a thread is lost and there is no memory to replace that which it may still change
   */
  run(first = 0, last = this.layout.regions.length): void {
    // A region reads one block and writes another, so that it can be run again if a thread was lost.
    for (let next = first; next < last;) next = this.#instance.run(next, last);
    const { buffer } = this.#instance.kernels.memory;
    if (buffer !== this.#views.buffer) this.#views = viewsOf(buffer, this.#config, this.layout);
  }

  /** Runs panels of one region on this thread; for benchmarks and tests. */
  runPanels({ address }: RegionLayout, from: number, to: number): void {
    this.#instance.kernels.runRegion(address, this.layout.scratch[0], from, to);
  }

  /** Ends the threads. */
  stop(): void {
    this.#instance.stop();
  }
}

/**
 * Allocates the memory of a layout and streams the weights into it, packing each part as it arrives.
 *
 * @param instance an instance that no other network uses
 * @throws WeightsError if a tensor is incomplete, unknown or out of order
 * @throws BackendUnavailableError if the machine does not have enough memory
 */
export async function loadNetwork(
  instance: ProgramInstance,
  config: ModelConfig,
  layout: Layout,
  weights: WeightStream,
): Promise<Network> {
  const { kernels } = instance;
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

  return new Network(instance, config, layout);
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
