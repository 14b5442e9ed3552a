/**
 * Calls kernels in a memory filled with a mark, a NaN that no kernel writes. A read of memory that was not written
 * shows in the result, and every write outside of the output and the scratch is found.
 */
import { sizeOf, type FloatArray } from '../../../src/core/tensor.js';
import type { OpsExports } from '../../../src/wasm/ops/kernels.js';
import { runOp, scratchBytes, type OpBlocks, type OpCall } from '../../../src/wasm/ops/opCall.js';
import type { Sample } from './samples.js';

/** A signaling NaN: any computation with it, even x + 0, gives a different NaN. */
const MARK = 0x7fa0dead;
/** Guard words before and after every block. */
const GUARD = 16;

/** Whether y is the block of x. */
const isInPlace = ({ op }: OpCall): boolean => op === 'leakyRelu' || op === 'dropout';

interface Placed {
  readonly blocks: OpBlocks;
  /** End of the last guard. */
  readonly end: number;
  readonly scratchWords: number;
}

function place(kernels: OpsExports, call: OpCall, weight: number, bias: number): Placed {
  let end = Math.ceil(kernels.heapBase() / 16) * 16 + 4 * GUARD;
  const block = (words: number): number => {
    const at = end;
    end = Math.ceil((at + 4 * (words + GUARD)) / 16) * 16;
    return at;
  };
  const scratchWords = scratchBytes(kernels, call) / 4;
  const x = block(sizeOf(call.input));
  const blocks = {
    x,
    y: isInPlace(call) ? x : block(sizeOf(call.output)),
    weight: weight === 0 ? 0 : block(weight),
    bias: bias === 0 ? 0 : block(bias),
    scratch: block(scratchWords),
  };
  return { blocks, end, scratchWords };
}

export interface Outcome {
  readonly y: Float32Array;
  /** Byte addresses outside of y and scratch that changed. */
  readonly strayWrites: readonly number[];
}

/** Runs one image of a sample through its kernel. */
function runImage(kernels: OpsExports, { call, weight, bias }: Sample, x: FloatArray): Outcome {
  const weights = weight === null ? 0 : weight.data.length;
  const { blocks, end, scratchWords } = place(kernels, call, weights, bias === null ? 0 : bias.data.length);
  const missing = end - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / 2 ** 16));

  const words = new Uint32Array(kernels.memory.buffer);
  const floats = new Float32Array(kernels.memory.buffer);
  const first = Math.ceil(kernels.heapBase() / 4);
  words.fill(MARK, first);
  floats.set(x, blocks.x / 4);
  if (weight !== null) floats.set(weight.data, blocks.weight / 4);
  if (bias !== null) floats.set(bias.data, blocks.bias / 4);
  const before = words.slice();

  runOp(kernels, call, blocks);

  const yWords = sizeOf(call.output);
  const inside = (i: number, block: number, count: number): boolean => i >= block / 4 && i < block / 4 + count;
  const strayWrites: number[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== before[i] && !inside(i, blocks.y, yWords) && !inside(i, blocks.scratch, scratchWords)) {
      strayWrites.push(4 * i);
    }
  }
  return { y: floats.slice(blocks.y / 4, blocks.y / 4 + yWords), strayWrites };
}

/** Runs a sample through its kernel, image by image. */
export function runSample(kernels: OpsExports, sample: Sample): Outcome {
  const { input, output } = sample.call;
  const [size, images] = [sizeOf(input), sample.x.shape[0]];
  const y = new Float32Array(images * sizeOf(output));
  const strayWrites: number[] = [];
  for (let i = 0; i < images; i++) {
    const outcome = runImage(kernels, sample, sample.x.data.subarray(i * size, (i + 1) * size));
    y.set(outcome.y, i * sizeOf(output));
    strayWrites.push(...outcome.strayWrites);
  }
  return { y, strayWrites };
}
