/** Feature maps: the activations after named modules of the network. */
import type { Tensor } from '../../core/tensor.js';
import type { StageLayout } from './layout.js';
import type { Network } from './network.js';
import { PIXEL_ORDER } from './descriptors.js';

/** Unpacks pixels [groups][pitch][4] in row order into a map [1,channels,h,w]. */
function unpack(pixels: Float32Array, { channels, pitch, h, w }: StageLayout): Tensor {
  const data = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < h * w; p++) data[c * h * w + p] = pixels[((p >> 2) * pitch + c) * 4 + (p & 3)];
  }
  return { data, shape: [1, channels, h, w] };
}

/** Packs a map as pixels in window order, as assembly/inference/packPixels.ts does. */
function packWindows(pixels: Float32Array, { data }: Tensor, { channels, pitch, h, w }: StageLayout): void {
  const [rows, columns] = [h >> 1, w >> 1];
  pixels.fill(0, 0, rows * columns * pitch * 4);
  for (let c = 0; c < channels; c++) {
    for (let g = 0; g < rows * columns; g++) {
      const from = (c * h + 2 * Math.floor(g / columns)) * w + 2 * (g % columns);
      const to = (g * pitch + c) * 4;
      pixels[to] = data[from];
      pixels[to + 1] = data[from + 1];
      pixels[to + 2] = data[from + w];
      pixels[to + 3] = data[from + w + 1];
    }
  }
}

/** Runs a stage, copies its map, and leaves the pixels that the next stage reads. */
function runWithMap(network: Network, stage: StageLayout): Tensor {
  const { fields, region, order, output, pixels } = stage;
  const setOutput = (orderOfPixels: number, address: number): void => {
    network.words[fields.order / 4] = orderOfPixels;
    network.words[fields.output / 4] = address;
  };
  setOutput(PIXEL_ORDER.rows, pixels);
  try {
    network.run(region, region + 1);
  } finally {
    setOutput(order, output);
  }

  const block = network.floats.subarray(pixels / 4);
  const map = unpack(block, stage);
  if (order === PIXEL_ORDER.windows) packWindows(block, map, stage);
  // Only the kernel itself sums a mean in the same order.
  if (order === PIXEL_ORDER.mean) network.run(region, region + 1);
  return map;
}

/**
 * Runs the network on its current image up to the last of the named modules of `chain`: stem and stages (their maps
 * [1,c,h,w]), the pooled features [1,c,1,1] and the logits [1,num_classes,1,1].
 */
export function runFeatures(network: Network, names: ReadonlySet<string>): Map<string, Tensor> {
  const { layout } = network;
  const outputs = new Map<string, Tensor>();
  const isNamed = layout.stages.map(({ region }) => names.has(layout.regions[region].name));
  const { head } = layout;
  const needsHead = names.has(head.features) || names.has(head.logits);
  const last = needsHead ? layout.stages.length : isNamed.lastIndexOf(true) + 1;
  network.run(0, 1);
  for (const stage of layout.stages.slice(0, last)) {
    const { name } = layout.regions[stage.region];
    if (names.has(name)) outputs.set(name, runWithMap(network, stage));
    else network.run(stage.region, stage.region + 1);
  }
  const vectorOf = (values: Float32Array): Tensor => ({ data: values.slice(), shape: [1, values.length, 1, 1] });
  if (names.has(head.features)) outputs.set(head.features, vectorOf(network.features));
  if (names.has(head.logits)) {
    network.run(layout.regions.length - 1);
    outputs.set(head.logits, vectorOf(network.logits));
  }
  return outputs;
}
