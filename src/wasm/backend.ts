import { bytes } from '#wasm/plain';
import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError, WeightsError } from '../core/errors.js';
import { checkTensor } from '../core/ops.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../core/tensor.js';
import { planNetwork, type Layer } from '../model/plan.js';
import { Arena } from './arena.js';
import { isInPlace, run, scratchBytes, type Blocks, type Call } from './call.js';
import { instantiate, type Kernels, type WasmSource } from './module.js';

/** A network in linear memory. */
export interface WasmSession extends Session {
  /**
   * What every layer makes of one image x [in_chans,h,w], by the names of
   * `planNetwork`, in order: each output [1,c,h,w] is the next layer's input. For
   * judging the layers one by one.
   *
   * @throws ShapeError where x is not one image.
   */
  forwardLayers(x: FloatArray): Map<string, Tensor>;
}

export interface WasmBackend extends Backend {
  /**
   * Weights and images are rounded to float32; one image is worked on at a time.
   *
   * @throws WeightsError for the train form: only the fused network runs here.
   * @throws ShapeError where `config.input_size` is too small for the network.
   * @throws ParamError where the network needs more than 4 GiB.
   * @throws BackendUnavailableError
   */
  open(state: StateDict, config: ModelConfig): Promise<WasmSession>;
}

type NamedCall = Call & { readonly name: string };

interface Step {
  readonly call: NamedCall;
  readonly blocks: Blocks;
}

/** A layer as a call of a kernel, which those of the train form are not. */
function callOf(layer: Layer): NamedCall {
  if (layer.op === 'leakyRelu') {
    const { lambda } = layer;
    if (lambda !== null) return { ...layer, lambda };
  } else if (layer.op !== 'batchNorm') {
    return layer;
  }
  throw new WeightsError({ op: 'wasm', expected: 'the deploy form', got: 'the train form: fuse it first' });
}

/** The chain in memory: its weights, a block for the image and its logits, and what runs on them. */
interface Network {
  readonly kernels: Kernels;
  readonly steps: readonly Step[];
}

/** Address of the tensor's own block, which is filled once memory is there. */
type Upload = readonly [block: number, tensor: Tensor];

/**
 * Lays the whole network out, grows memory once and fills in the weights. Maps
 * go back and forth between two blocks, each as large as its largest map; what
 * works in place stays in its block. Scratch is shared.
 */
function load(kernels: Kernels, calls: readonly NamedCall[], state: StateDict): Network {
  const arena = new Arena('wasm', kernels.heapBase());
  const uploads: Upload[] = [];
  const upload = (name: string): number => {
    const tensor = state.get(name);
    if (tensor === undefined) throw new WeightsError({ op: name, expected: 'a tensor', got: 'none of that name' });
    const block = arena.reserveFloats(tensor.data.length);
    uploads.push([block, tensor]);
    return block;
  };

  const largest = [0, 0];
  let side = 0;
  const passes = calls.map((call) => {
    const from = side;
    if (!isInPlace(call)) side = 1 - side;
    largest[from] = Math.max(largest[from], sizeOf(call.input));
    largest[side] = Math.max(largest[side], sizeOf(call.output));
    return { call, from, to: side };
  });
  const maps = largest.map((size) => arena.reserveFloats(size));
  const weights = calls.map((call) => {
    if (call.op !== 'conv2d' && call.op !== 'depthwiseConv2d') return { weight: 0, bias: 0 };
    return { weight: upload(`${call.name}.weight`), bias: call.bias ? upload(`${call.name}.bias`) : 0 };
  });
  const scratch = arena.reserve(Math.max(...calls.map((call) => scratchBytes(kernels, call))));
  arena.commit(kernels.memory);

  const memory = new Float32Array(kernels.memory.buffer);
  for (const [block, { data }] of uploads) memory.set(data, block / 4);
  const steps = passes.map(({ call, from, to }, i) => ({
    call,
    blocks: { y: maps[to], x: maps[from], ...weights[i], scratch },
  }));
  return { kernels, steps };
}

class LoadedSession implements WasmSession {
  #network: Network | null;

  constructor(network: Network) {
    this.#network = network;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
  async forward(x: FloatArray, n: number): Promise<Float32Array> {
    const { kernels, steps } = this.#opened();
    const memory = new Float32Array(kernels.memory.buffer);
    const [first, last] = [steps[0], steps[steps.length - 1]];
    const inputSize = sizeOf(first.call.input);
    const classes = sizeOf(last.call.output);
    const logits = new Float32Array(n * classes);
    for (let i = 0; i < n; i++) {
      memory.set(x.subarray(i * inputSize, (i + 1) * inputSize), first.blocks.x / 4);
      for (const { call, blocks } of steps) run(kernels, call, blocks);
      logits.set(memory.subarray(last.blocks.y / 4, last.blocks.y / 4 + classes), i * classes);
    }
    return logits;
  }

  forwardLayers(x: FloatArray): Map<string, Tensor> {
    const { kernels, steps } = this.#opened();
    const memory = new Float32Array(kernels.memory.buffer);
    const outputs = new Map<string, Tensor>();
    checkTensor('wasm', 'x', { data: x, shape: steps[0].call.input });
    memory.set(x, steps[0].blocks.x / 4);
    for (const { call, blocks } of steps) {
      run(kernels, call, blocks);
      const data = memory.slice(blocks.y / 4, blocks.y / 4 + sizeOf(call.output));
      outputs.set(call.name, { data, shape: [1, ...call.output] });
    }
    return outputs;
  }

  dispose(): void {
    this.#network = null;
  }

  #opened(): Network {
    if (this.#network === null) {
      throw new BackendUnavailableError({ op: 'wasm', expected: 'an open session', got: 'one that was disposed of' });
    }
    return this.#network;
  }
}

/** The backend on a module of one's own, where a runtime does not compile the inlined one. */
export const wasmBackendFrom = (source: WasmSource): WasmBackend => ({
  name: 'wasm',
  async open(state, config) {
    const calls = planNetwork(config, config.input_size).map(callOf);
    return new LoadedSession(load(await instantiate(source), calls, state));
  },
});

/** VanillaNet's deploy form in WebAssembly SIMD, on one thread. */
export const wasmBackend: WasmBackend = wasmBackendFrom(bytes);
