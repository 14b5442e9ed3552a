/** What the readers of other frameworks' files have in common. */
import type { ModelConfigInput } from '../core/config.js';
import type { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

/** Bytes that can be read at any position: a file, or bytes in memory. */
export interface RandomAccess {
  /** The path, for errors. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. @throws WeightsError if the file ends before */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * Opens a file in the folder of another one, which names it.
 *
 * @param op what names it, for errors
 * @throws WeightsError if there is none, or the name leads out of the folder
 */
export type OpenSibling = (name: string, op: string) => Promise<RandomAccess>;

/** A tensor of a file. Its shape is known and checked, unless it is damaged; its values are read on request, each time anew. */
export interface FileTensor {
  readonly shape: readonly number[];
  /** The name in PyTorch, such as `float32`, `bfloat16`, `int64`. */
  readonly dtype: string;
  /**
   * The values in row-major order, whatever the strides of the file: in float64 for float64 and
   * integers of 32 and 64 bits, otherwise in float32, which is exact.
   *
   * @throws WeightsError if the file is damaged
   */
  read(): Promise<FloatArray>;
  /** What the file states wrongly of the tensor, whose shape and type are then unknown; absent if nothing. */
  readonly damage?: WeightsError;
}

/** Tensors that belong together, such as `model` or `model_ema` of a checkpoint. */
export interface TensorGroup {
  /** The keys that lead to it, such as `['model_ema']`; empty for the file itself. */
  readonly path: readonly string[];
  /** By their names in the file, in its order. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
}

/** What a file says about the network and its training, by the names of the official code's arguments. */
export interface FileFacts {
  /** `args.model`, such as `vanillanet_5`. */
  readonly model?: string;
  /** The last epoch that was trained, from 0. */
  readonly epoch?: number;
  readonly decay_epochs?: number;
  readonly decay_linear?: boolean;
  readonly nb_classes?: number;
  readonly act_num?: number;
  readonly input_size?: number | readonly [height: number, width: number];
  readonly crop_pct?: number | null;
  readonly drop?: number;
  /** λ. */
  readonly lambda?: number;
  /** The pooling stride of each stage of a network without adaptive pools. */
  readonly strides?: readonly number[];
  /** Why values above are guessed. */
  readonly guesses?: { readonly lambda?: string; readonly strides?: string };
  /** What the file says that cannot be right, and is left out, such as `args.drop 1`; absent if there is nothing. */
  readonly ignored?: readonly string[];
}

/** A file of another framework. */
export interface ForeignFile {
  /** For example `PyTorch checkpoint (zip)`. */
  readonly format: string;
  /** Who wrote it, as far as the file says, such as `PyTorch 2.13`; null if it does not. */
  readonly writer: string | null;
  /** All groups of tensors that may be weights, in the order of the file; not those of optimizers. */
  readonly groups: readonly TensorGroup[];
  readonly facts: FileFacts;
  /** The configuration that this package writes into its own files. */
  readonly config?: ModelConfigInput;
  /** What a graph computes, which the caller may not contradict. */
  readonly stated?: ModelConfigInput;
  /** One sentence for each value that the file does not state. */
  readonly guesses?: readonly string[];
  /** One sentence for each peculiarity that has no effect. */
  readonly notes?: readonly string[];
  /** PyTorch's names of tensors by those in the file, if the tensors of the groups have PyTorch's already. */
  readonly renamed?: ReadonlyMap<string, string>;
  /** Tensors of the file that are in no group. */
  readonly unexpected?: readonly string[];
  /** Ends what the reader has started; absent if that is nothing. */
  close?(): Promise<void>;
}

/** A file that is open; its tensors can be read until it is closed. */
export interface OpenedForeignFile extends ForeignFile {
  /** Bytes of the file. */
  readonly size: number;
  close(): Promise<void>;
}
