import { bytes } from '#wasm/float64-plain';
import { BackendUnavailableError } from '../../core/errors.js';
import { compileNow, instantiateNow, type ModuleExports, type ModuleKind } from '../module.js';

/**
 * The exports of assembly/float64/index.ts. Pointers are byte addresses on multiples of 8, the rest are sizes. The module
 * does not check its arguments.
 */
export interface Float64Exports extends ModuleExports {
  multiply(c: number, a: number, b: number, rowTiles: number, columnTiles: number, depth: number): void;
  accumulate(dx: number, w: number, g: number, list: number, tiles: number, depth: number, count: number): void;
  depthwise(y: number, x: number, w: number, bias: number, height: number, width: number, p: number): void;
  depthwiseBackward(dx: number, dy: number, w: number, height: number, width: number, p: number): void;
}

export const FLOAT64: ModuleKind<Float64Exports> = {
  name: 'float64',
  functions: ['heapBase', 'isRelaxed', 'multiply', 'accumulate', 'depthwise', 'depthwiseBackward'],
};

const PAGE = 2 ** 16;

/** The kernels, and blocks of their memory. */
export class Float64Kernels {
  constructor(readonly run: Float64Exports) {}

  /**
   * Reserves blocks of doubles, which replace those of the last call. Their values are those of earlier ones.
   *
   * @returns the address and the values of each block
   */
  reserve(...sizes: readonly number[]): { readonly address: number; readonly values: Float64Array }[] {
    const { memory } = this.run;
    const base = Math.ceil(this.run.heapBase() / 16) * 16;
    const bytes = base + sizes.reduce((sum, size) => sum + 8 * size, 0);
    if (bytes > memory.buffer.byteLength) memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / PAGE));
    let address = base;
    return sizes.map((size) => {
      const block = { address, values: new Float64Array(memory.buffer, address, size) };
      address += 8 * size;
      return block;
    });
  }
}

/** Opens the float64 module without waiting; null if the runtime compiles no module from bytes. */
export function openFloat64(): Float64Kernels | null {
  try {
    return new Float64Kernels(instantiateNow(FLOAT64, compileNow(bytes)));
  } catch (error) {
    if (error instanceof BackendUnavailableError) return null;
    throw error;
  }
}
