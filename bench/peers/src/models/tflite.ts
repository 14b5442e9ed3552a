/**
 * Writes the network as a TensorFlow Lite file. The tables are written by field number, as in
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs; omitted fields have their
 * defaults.
 */
import { Builder } from 'flatbuffers';
import type { StateDict } from '../../../../dist/src/entries/index.js';
import { paddingOf, sideAfter, type Chain, type Convolution } from './chain.js';
import { CHANNELS, SIDE } from './files.js';
import { bytesOf, permute, tensorOf, type Float32Tensor } from './tensors.js';

const IDENTIFIER = 'TFL3';
const SCHEMA_VERSION = 3;

/** Field numbers, in the order of the schema. */
const Model = { version: 0, operatorCodes: 1, subgraphs: 2, buffers: 4, fields: 8 };
const OperatorCode = { deprecatedBuiltinCode: 0, version: 2, builtinCode: 3, fields: 4 };
const SubGraph = { tensors: 0, inputs: 1, outputs: 2, operators: 3, fields: 5 };
const Tensor = { shape: 0, type: 1, buffer: 2, name: 3, fields: 8 };
const Operator = { opcodeIndex: 0, inputs: 1, outputs: 2, optionsType: 3, options: 4, fields: 9 };
const Buffer = { data: 0, fields: 3 };
const Conv2DOptions = { padding: 0, strideW: 1, strideH: 2, activation: 3, fields: 6 };
const DepthwiseConv2DOptions = { padding: 0, strideW: 1, strideH: 2, depthMultiplier: 3, activation: 4, fields: 7 };
const Pool2DOptions = { padding: 0, strideW: 1, strideH: 2, filterWidth: 3, filterHeight: 4, fields: 6 };
const FullyConnectedOptions = { activation: 0, fields: 4 };
const ReducerOptions = { keepDims: 0, fields: 1 };

/**
 * Values of the enums BuiltinOperator, BuiltinOptions (a union's type), TensorType, Padding, ActivationFunctionType.
 */
const BUILTIN = { CONV_2D: 3, DEPTHWISE_CONV_2D: 4, FULLY_CONNECTED: 9, MAX_POOL_2D: 17, MEAN: 40 } as const;
const OPTIONS = { CONV_2D: 1, DEPTHWISE_CONV_2D: 2, FULLY_CONNECTED: 8, MAX_POOL_2D: 5, MEAN: 27 } as const;
const TYPE = { float32: 0, int32: 2 } as const;
const PADDING = { same: 0, valid: 1 } as const;
const ACTIVATION = { none: 0, relu: 1 } as const;

type OperatorName = keyof typeof BUILTIN;

/** Alignment of weights in bytes, with which XNNPACK can read them in place. */
const BUFFER_ALIGNMENT = 16;

/** A field's number, its value, and whether the value has one byte or four. */
type Field = readonly [field: number, value: number, type: 'byte' | 'int' | 'offset'];

class TfliteFile {
  readonly #builder: Builder;
  readonly #codes: OperatorName[] = [];
  readonly #operators: number[] = [];
  readonly #tensors: number[] = [];
  readonly #buffers: number[];

  constructor(expectedBytes: number) {
    this.#builder = new Builder(expectedBytes);
    // By the rules of the schema, buffer 0 is empty and belongs to all tensors without data.
    this.#buffers = [this.#table(Buffer.fields, [])];
  }

  /** Adds a tensor; one without data is an activation. @returns its index */
  tensor(name: string, shape: readonly number[], type: keyof typeof TYPE = 'float32', data?: Uint8Array): number {
    let buffer = 0;
    if (data !== undefined) {
      this.#builder.prep(BUFFER_ALIGNMENT, data.length);
      const bytes = this.#builder.createByteVector(data);
      buffer = this.#buffers.push(this.#table(Buffer.fields, [[Buffer.data, bytes, 'offset']])) - 1;
    }
    const table = this.#table(Tensor.fields, [
      [Tensor.shape, this.#integers(shape), 'offset'],
      [Tensor.type, TYPE[type], 'byte'],
      [Tensor.buffer, buffer, 'int'],
      [Tensor.name, this.#builder.createString(name), 'offset'],
    ]);
    return this.#tensors.push(table) - 1;
  }

  weights(name: string, { data, shape }: Float32Tensor): number {
    return this.tensor(name, shape, 'float32', bytesOf(data));
  }

  operator(
    name: OperatorName,
    inputs: readonly number[],
    output: number,
    fields: number,
    options: readonly Field[],
  ): void {
    let code = this.#codes.indexOf(name);
    if (code < 0) code = this.#codes.push(name) - 1;
    this.#operators.push(
      this.#table(Operator.fields, [
        [Operator.opcodeIndex, code, 'int'],
        [Operator.inputs, this.#integers(inputs), 'offset'],
        [Operator.outputs, this.#integers([output]), 'offset'],
        [Operator.optionsType, OPTIONS[name], 'byte'],
        [Operator.options, this.#table(fields, options), 'offset'],
      ]),
    );
  }

  finish(input: number, output: number): Uint8Array {
    const codes = this.#codes.map((name) =>
      this.#table(OperatorCode.fields, [
        [OperatorCode.deprecatedBuiltinCode, BUILTIN[name], 'byte'],
        [OperatorCode.version, 1, 'int'],
        [OperatorCode.builtinCode, BUILTIN[name], 'int'],
      ]),
    );
    const subgraph = this.#table(SubGraph.fields, [
      [SubGraph.tensors, this.#offsets(this.#tensors), 'offset'],
      [SubGraph.inputs, this.#integers([input]), 'offset'],
      [SubGraph.outputs, this.#integers([output]), 'offset'],
      [SubGraph.operators, this.#offsets(this.#operators), 'offset'],
    ]);
    const model = this.#table(Model.fields, [
      [Model.version, SCHEMA_VERSION, 'int'],
      [Model.operatorCodes, this.#offsets(codes), 'offset'],
      [Model.subgraphs, this.#offsets([subgraph]), 'offset'],
      [Model.buffers, this.#offsets(this.#buffers), 'offset'],
    ]);
    this.#builder.finish(model, IDENTIFIER);
    return this.#builder.asUint8Array();
  }

  /** Writes a table. Objects that it refers to must be complete before, so its fields are passed as arguments. */
  #table(fields: number, values: readonly Field[]): number {
    const builder = this.#builder;
    builder.startObject(fields);
    for (const [field, value, type] of values) {
      if (type === 'byte') builder.addFieldInt8(field, value, 0);
      else if (type === 'int') builder.addFieldInt32(field, value, 0);
      else builder.addFieldOffset(field, value, 0);
    }
    return builder.endObject();
  }

  #integers(values: readonly number[]): number {
    this.#builder.startVector(4, values.length, 4);
    for (const value of values.toReversed()) this.#builder.addInt32(value);
    return this.#builder.endVector();
  }

  #offsets(values: readonly number[]): number {
    this.#builder.startVector(4, values.length, 4);
    for (const value of values.toReversed()) this.#builder.addOffset(value);
    return this.#builder.endVector();
  }
}

/** A file for one batch size, because shapes are fixed in TensorFlow Lite. */
export function encodeTflite({ body, head }: Chain, state: StateDict, batch: number): Uint8Array {
  const parameters = [...state.values()].reduce((bytes, { data }) => bytes + 4 * data.length, 0);
  const file = new TfliteFile(parameters + 2 ** 20);
  const input = file.tensor('images', [batch, SIDE, SIDE, CHANNELS]);
  let current = input;
  let side = SIDE;

  const convolve = (convolution: Convolution): void => {
    const { name, depthwise, weight, stride, relu, pool } = convolution;
    const [k] = weight;
    const padding = PADDING[paddingOf(convolution)];
    const activation = relu ? ACTIVATION.relu : ACTIVATION.none;
    const kernel = permute(tensorOf(state, `${name}.weight`), depthwise ? [1, 2, 3, 0] : [0, 2, 3, 1]);
    const inputs = [
      current,
      file.weights(`${name}.weight`, kernel),
      file.weights(`${name}.bias`, tensorOf(state, `${name}.bias`)),
    ];
    side = sideAfter(side, convolution);
    current = file.tensor(name, [batch, side, side, k]);
    if (depthwise) {
      file.operator('DEPTHWISE_CONV_2D', inputs, current, DepthwiseConv2DOptions.fields, [
        [DepthwiseConv2DOptions.padding, padding, 'byte'],
        [DepthwiseConv2DOptions.strideW, stride, 'int'],
        [DepthwiseConv2DOptions.strideH, stride, 'int'],
        [DepthwiseConv2DOptions.depthMultiplier, 1, 'int'],
        [DepthwiseConv2DOptions.activation, activation, 'byte'],
      ]);
    } else {
      file.operator('CONV_2D', inputs, current, Conv2DOptions.fields, [
        [Conv2DOptions.padding, padding, 'byte'],
        [Conv2DOptions.strideW, stride, 'int'],
        [Conv2DOptions.strideH, stride, 'int'],
        [Conv2DOptions.activation, activation, 'byte'],
      ]);
    }
    if (pool === 1) return;
    const map = current;
    side = Math.floor(side / pool);
    current = file.tensor(`${name}.pool`, [batch, side, side, k]);
    file.operator('MAX_POOL_2D', [map], current, Pool2DOptions.fields, [
      [Pool2DOptions.padding, PADDING.valid, 'byte'],
      [Pool2DOptions.strideW, pool, 'int'],
      [Pool2DOptions.strideH, pool, 'int'],
      [Pool2DOptions.filterWidth, pool, 'int'],
      [Pool2DOptions.filterHeight, pool, 'int'],
    ]);
  };
  body.forEach(convolve);

  const [classes, channels] = head.weight;
  const axes = file.tensor('axes', [2], 'int32', new Uint8Array(Int32Array.of(1, 2).buffer));
  const average = file.tensor('average', [batch, channels]);
  file.operator('MEAN', [current, axes], average, ReducerOptions.fields, [[ReducerOptions.keepDims, 0, 'byte']]);
  const { data } = tensorOf(state, `${head.name}.weight`);
  const logits = file.tensor('logits', [batch, classes]);
  const inputs = [
    average,
    file.weights(`${head.name}.weight`, { data, shape: [classes, channels] }),
    file.weights(`${head.name}.bias`, tensorOf(state, `${head.name}.bias`)),
  ];
  file.operator('FULLY_CONNECTED', inputs, logits, FullyConnectedOptions.fields, [
    [FullyConnectedOptions.activation, ACTIVATION.none, 'byte'],
  ]);
  return file.finish(input, logits);
}
