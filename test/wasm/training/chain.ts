/** Runs a network in training unit by unit, so that each can be compared with the reference on its actual inputs. */
import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../../../src/core/config.js';
import type { Tensor, StateDict } from '../../../src/core/tensor.js';
import { TRAINING, instantiate, type ProgramExports } from '../../../src/wasm/module.js';
import {
  planTraining,
  type Span,
  type TrainingLayout,
  type TrainingPlan,
  type UnitLayout,
} from '../../../src/wasm/training/layout.js';
import { pitchOf, type Planes } from '../../../src/wasm/training/planes.js';
import { packedFloats } from '../../../src/wasm/packedShape.js';
import { loadTensors, readTensor, type TensorBlock } from '../../../src/wasm/training/tensors.js';
import { draw, uniform } from '../draw.js';
import { drawState } from '../networks.js';

/** Narrow, odd, and with every kind of pool and kernel. */
export const NETWORKS: readonly {
  readonly label: string;
  readonly sizes: ModelConfigInput;
  readonly n: number;
  readonly flat?: true;
  readonly form?: 'deploy';
}[] = [
  {
    label: 'plain, act_num 3',
    sizes: { dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 3, input_size: 32 },
    n: 4,
  },
  {
    label: 'gray, not square, act_num 1, dropout, an odd batch',
    sizes: {
      dims: [5, 3, 17],
      strides: [2, 2],
      num_classes: 3,
      in_chans: 1,
      act_num: 1,
      input_size: [37, 53],
      drop_rate: 0.3,
    },
    n: 3,
  },
  {
    label: 'adaptive pools, act_num 2',
    sizes: {
      dims: [4, 5, 6, 8],
      strides: [2, 2, 2],
      ada_pool: [0, 5, 3],
      num_classes: 6,
      act_num: 2,
      input_size: [64, 47],
    },
    n: 2,
  },
  {
    label: 'wide kernels, act_num 4, stride 3',
    sizes: { dims: [3, 9, 4], strides: [3, 1], num_classes: 10, act_num: 4, input_size: [45, 38] },
    n: 5,
  },
  {
    label: 'more pixels than a block',
    sizes: { dims: [4, 5], strides: [2], num_classes: 2, act_num: 1, input_size: 48 },
    n: 4,
  },
  {
    label: 'constant images, whose windows have ties',
    sizes: { dims: [4, 5], strides: [2], num_classes: 3, act_num: 1, input_size: 48 },
    n: 4,
    flat: true,
  },
  {
    label: 'deeper than a block of weights',
    sizes: { dims: [4, 1032], strides: [2], num_classes: 2, act_num: 1, input_size: 8 },
    n: 3,
  },
  {
    label: 'the deploy form, adaptive pools, dropout',
    sizes: {
      dims: [4, 5, 3],
      strides: [2, 2],
      ada_pool: [0, 3],
      num_classes: 6,
      act_num: 2,
      input_size: [37, 31],
      drop_rate: 0.3,
    },
    n: 3,
    form: 'deploy',
  },
  {
    label: 'the deploy form, one image',
    sizes: { dims: [5, 9, 4], strides: [2, 1], num_classes: 10, act_num: 3, input_size: 32 },
    n: 1,
    form: 'deploy',
  },
];

export const trainConfig = (sizes: ModelConfigInput, form: ModelConfig['form'] = 'train'): ModelConfig =>
  resolveConfig({ ...sizes, form });

export class Chain {
  readonly layout: TrainingLayout;
  readonly floats: Float32Array;
  readonly view: DataView;

  private constructor(
    readonly config: ModelConfig,
    readonly state: StateDict,
    readonly n: number,
    private readonly kernels: ProgramExports,
    layout: TrainingLayout,
  ) {
    this.layout = layout;
    this.floats = new Float32Array(kernels.memory.buffer);
    this.view = new DataView(kernels.memory.buffer);
  }

  static async open(
    wasm: Uint8Array,
    sizes: ModelConfigInput,
    n: number,
    { form, ...plan }: Partial<TrainingPlan> & { readonly form?: ModelConfig['form'] | undefined } = {},
  ): Promise<Chain> {
    const config = trainConfig(sizes, form);
    const state = drawState(config);
    const layout = planTraining(config, n, { ...plan, threads: 1 });
    const kernels = await instantiate(TRAINING, wasm);
    layout.arena.commit(kernels.memory);
    const chain = new Chain(config, state, n, kernels, layout);
    layout.write(chain.view);
    chain.load(layout.tensors, state);
    return chain;
  }

  /** Packs tensors into their blocks. */
  load(tensors: ReadonlyMap<string, TensorBlock>, state: StateDict): void {
    const { scratch, scratchBytes } = this.layout;
    loadTensors(this.kernels, tensors, state, { block: scratch[0], floats: scratchBytes / 4 });
  }

  /** Reads all tensors from their blocks. */
  readAll(tensors: ReadonlyMap<string, TensorBlock>): Map<string, Tensor> {
    return new Map([...tensors].map(([name, tensor]) => [name, readTensor(this.floats, tensor, tensor.block)]));
  }

  /** Writes random images and targets, and λ. */
  give(lambda: number, flat = false): { x: Tensor; q: Tensor } {
    const x = draw([this.n, this.config.in_chans, ...this.config.input_size], uniform(11));
    const size = this.config.input_size[0] * this.config.input_size[1];
    if (flat) for (let i = 0; i < x.data.length; i++) x.data[i] = x.data[i - (i % size)];
    const q = draw([this.n, this.config.num_classes], uniform(12));
    for (let i = 0; i < q.data.length; i++) q.data[i] = Math.abs(q.data[i]) / this.config.num_classes;
    // Results of a previous pass must not be read: gradients are overwritten, not accumulated.
    for (const { grad, ...tensor } of this.layout.tensors.values()) {
      if (grad !== null) this.floats.fill(NaN, grad / 4, grad / 4 + packedFloats(tensor));
    }
    for (const { dy, dx } of this.layout.units) {
      for (const side of [dy, dx]) this.floats.fill(NaN, side / 4, side / 4 + this.layout.sideBytes / 4);
    }
    this.floats.set(x.data, this.layout.images / 4);
    this.floats.set(q.data, this.layout.targets / 4);
    this.view.setFloat32(this.layout.lambda, lambda, true);
    return { x, q };
  }

  run([first, last]: Span): void {
    this.kernels.runProgram(this.layout.program.address, this.layout.scratch[0], first, last, true);
  }

  /** Reads the maps of a block, as [n,channels,h,w]. */
  read({ block, h, w }: Pick<Planes, 'block' | 'h' | 'w'>, channels: number): Tensor {
    const pitch = pitchOf(this.n * h * w) / 4;
    const data = new Float32Array(this.n * channels * h * w);
    for (let image = 0; image < this.n; image++) {
      for (let c = 0; c < channels; c++) {
        const from = block / 4 + (c >> 2) * pitch + 4 * image * h * w + (c & 3);
        const to = (image * channels + c) * h * w;
        for (let p = 0; p < h * w; p++) data[to + p] = this.floats[from + 4 * p];
      }
    }
    return { data, shape: [this.n, channels, h, w] };
  }

  tensor(name: string): Tensor {
    const tensor = this.layout.tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    return readTensor(this.floats, tensor, tensor.block);
  }

  gradient(name: string): Tensor {
    const tensor = this.layout.tensors.get(name);
    if (tensor?.grad == null) throw new Error(`no gradient of ${name}`);
    return readTensor(this.floats, tensor, tensor.grad);
  }

  unit(name: string): UnitLayout {
    const unit = this.layout.units.find((each) => each.name === name);
    if (unit === undefined) throw new Error(`no unit ${name}`);
    return unit;
  }
}
