/**
 * Writes the graph of a network as ONNX: opset 17, float32, for any number of images of the network's size.
 *
 * Source: onnx/onnx.proto of ONNX 1.23, whose numbers of fields these are.
 */
import type { ModelConfig } from '../../core/config.js';
import { ParamError } from '../../core/errors.js';
import { isCounter } from '../../core/parameters.js';
import { atomicWrite } from '../../io/atomicWrite.js';
import { writeConfig } from '../../io/configMetadata.js';
import { DTYPES } from '../../io/dtypes.js';
import { byteLength, tensorBytes, type TensorSource } from '../../io/tensorSource.js';
import { writeCounters } from './counters.js';
import { castNode, composeGraph, INPUT, LOGITS, valueInfo, type IndexTensor } from './graph.js';
import { bytesField, fieldHeader, integerField, integersField, textField, type MessageBytes } from './message.js';

const OPSET = 17;
/** The version of the format that ONNX 1.12 wrote, the first with this opset. */
const IR_VERSION = 8;
const PRODUCER = 'vanillanet';
/** Numbers of the types in ONNX. */
const TYPES: Readonly<Record<TensorSource['dtype'], number>> = { F32: 1, I64: 7, F16: 10, F64: 11 };
/** Protocol Buffers have no longer messages. */
const LARGEST = 2 ** 31 - 1;

/** A part of the file: bytes, or a tensor whose bytes are made when they are written. */
interface Part {
  readonly length: number;
  bytes(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const plain = (bytes: MessageBytes): Part => ({ length: bytes.length, bytes: () => [Uint8Array.from(bytes)] });

const lengthOf = (parts: readonly Part[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** The field `initializer` of the graph: a TensorProto with raw data. */
function initializer(tensor: TensorSource): Part[] {
  const size = byteLength(tensor);
  const facts = [
    ...integersField(1, tensor.shape),
    ...integerField(2, TYPES[tensor.dtype]),
    ...textField(8, tensor.name),
    ...fieldHeader(9, size),
  ];
  const head = [...fieldHeader(5, facts.length + size), ...facts];
  return [plain(head), { length: size, bytes: () => tensorBytes(tensor) }];
}

const indexTensor = ({ name, values }: IndexTensor): TensorSource => ({
  ...{ name, dtype: 'I64', shape: [values.length] },
  read: () => Promise.resolve(Float64Array.from(values)),
});

/** The counters of batches by their names: no node takes them, so they are metadata. @throws WeightsError for no integer */
async function countersOf(tensors: readonly TensorSource[]): Promise<Map<string, number>> {
  const counters = new Map<string, number>();
  for (const tensor of tensors) {
    if (!isCounter(tensor.name)) continue;
    const data = await tensor.read();
    DTYPES.I64.check(data, tensor.name);
    counters.set(tensor.name, data[0]);
  }
  return counters;
}

/** The field `graph`, in parts. */
function graphParts(tensors: readonly TensorSource[], config: ModelConfig): Part[] {
  const weights = tensors.filter(({ name }) => !isCounter(name));
  const casts = new Map(
    weights.filter(({ dtype }) => dtype !== 'F32').map(({ name }) => [name, `${name}.float32`] as const),
  );
  const { nodes, indices } = composeGraph(config, (name) => casts.get(name) ?? name);
  const [height, width] = config.input_size;
  const allNodes = [...[...casts].map(([from, to]) => castNode(from, to)), ...nodes];
  const parts = [
    ...allNodes.map((node) => plain(bytesField(1, node))),
    plain(textField(2, PRODUCER)),
    ...[...weights, ...indices.map(indexTensor)].flatMap(initializer),
    plain(bytesField(11, valueInfo(INPUT, ['N', config.in_chans, height, width]))),
    plain(bytesField(12, valueInfo(LOGITS, ['N', config.num_classes]))),
  ];
  return [plain(fieldHeader(7, lengthOf(parts))), ...parts];
}

/** All of the file, in parts. @throws ParamError for a network that is too large, or of unknown lambda */
async function modelParts(path: string, tensors: readonly TensorSource[], config: ModelConfig): Promise<Part[]> {
  const metadata = [
    ...[...writeConfig(config)].filter(([key]) => key !== 'format'),
    ...writeCounters(await countersOf(tensors)),
  ];
  const parts = [
    plain([...integerField(1, IR_VERSION), ...textField(2, PRODUCER)]),
    ...graphParts(tensors, config),
    plain(bytesField(8, [...textField(1, ''), ...integerField(2, OPSET)])),
    ...metadata.map(([key, value]) => plain(bytesField(14, [...textField(1, key), ...textField(2, value)]))),
  ];
  const length = lengthOf(parts);
  if (length <= LARGEST) return parts;
  const hint = 'Pass --dtype float16, or write safetensors: vanillanet convert IN OUT.safetensors.';
  throw new ParamError({ op: path, expected: 'an ONNX file of at most 2 GiB', got: `${length} bytes`, hint });
}

async function* chunksOf(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part.bytes();
}

/**
 * Writes a network as an ONNX graph atomically, tensor by tensor: no more than one is in memory. Weights keep their types,
 * and are converted to float32 in the graph.
 *
 * @param tensors of the whole network, by PyTorch's names; counters of batches may be missing
 * @throws an error of a tensor's `read`; nothing is written then
 * @throws WeightsError for a value that a type cannot represent
 * @throws ParamError if the file cannot be written, is larger than 2 GiB, or the lambda of a train form is unknown
 * @throws ShapeError if `config.input_size` is too small
 */
export async function writeOnnx(path: string, tensors: readonly TensorSource[], config: ModelConfig): Promise<void> {
  await atomicWrite(path, chunksOf(await modelParts(path, tensors, config)));
}
