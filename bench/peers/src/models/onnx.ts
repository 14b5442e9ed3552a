/** Writes the network as an ONNX file, with protobufjs and the messages of onnx.proto. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { StateDict } from '../../../../dist/src/entries/index.js';
import { PACKAGE } from '../paths.js';
import type { Chain, Convolution } from './chain.js';
import { CHANNELS, SIDE } from './files.js';
import { bytesOf, tensorOf } from './tensors.js';

const FLOAT = 1;
/** The format version of opset 17. */
const IR_VERSION = 8;
const OPSET = 17;

interface Node {
  readonly op_type: string;
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly object[];
}

const integer = (name: string, i: number): object => ({ name, type: 'INT', i });
const integers = (name: string, ...ints: readonly number[]): object => ({ name, type: 'INTS', ints });

/** An input or output of the graph. The batch dimension is dynamic, so that one file serves all batch sizes. */
const surface = (name: string, ...sizes: readonly number[]): object => ({
  name,
  type: {
    tensor_type: {
      elem_type: FLOAT,
      shape: { dim: [{ dim_param: 'batch' }, ...sizes.map((dim_value) => ({ dim_value }))] },
    },
  },
});

function nodesOf({ body, head }: Chain): Node[] {
  const nodes: Node[] = [];
  let current = 'images';
  const add = (op_type: string, name: string, parameters: readonly string[], attribute: readonly object[]): void => {
    nodes.push({ op_type, name, input: [current, ...parameters], output: [name], attribute });
    current = name;
  };
  const convolve = ({ name, depthwise, weight: [k, , kh, kw], stride, padding }: Convolution): void => {
    add(
      'Conv',
      name,
      [`${name}.weight`, `${name}.bias`],
      [
        integer('group', depthwise ? k : 1),
        integers('kernel_shape', kh, kw),
        integers('strides', stride, stride),
        integers('pads', padding, padding, padding, padding),
      ],
    );
  };
  for (const convolution of body) {
    const { name, relu, pool } = convolution;
    convolve(convolution);
    if (relu) add('Relu', `${name}.relu`, [], []);
    if (pool > 1)
      add('MaxPool', `${name}.pool`, [], [integers('kernel_shape', pool, pool), integers('strides', pool, pool)]);
  }
  add('GlobalAveragePool', 'average', [], []);
  convolve(head);
  add('Flatten', 'logits', [], [integer('axis', 1)]);
  return nodes;
}

export async function encodeOnnx(chain: Chain, state: StateDict): Promise<Uint8Array> {
  const schema = await readFile(join(PACKAGE, 'onnx.proto'), 'utf8');
  const model = protobuf.parse(schema, { keepCase: true }).root.lookupType('onnx.ModelProto');
  const names = [...chain.body, chain.head].flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]);
  const content = {
    ir_version: IR_VERSION,
    producer_name: 'vanillanet-peers',
    opset_import: [{ domain: '', version: OPSET }],
    graph: {
      name: 'vanillanet',
      node: nodesOf(chain),
      initializer: names.map((name) => {
        const { data, shape } = tensorOf(state, name);
        return { name, dims: shape, data_type: FLOAT, raw_data: bytesOf(data) };
      }),
      input: [surface('images', CHANNELS, SIDE, SIDE)],
      output: [surface('logits', chain.head.weight[0])],
    },
  };
  // fromObject resolves the enums' names.
  return model.encode(model.fromObject(content)).finish();
}
