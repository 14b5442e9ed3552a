/**
 * Networks of keras_cv_attention_models in files of Keras:
 *
 * - `.h5` by `model.save_weights` and `model.save` (Keras 2, tf-keras): the attribute `layer_names`, and for each layer a
 *   group with the attribute `weight_names`; of a whole model in the group `model_weights`, beside `model_config` (JSON)
 * - `.weights.h5` (Keras 3, tf-keras): `/layers/KIND_N/vars/0`, `1`, …, numbered in the order of the network
 * - `.keras`: a zip archive with `config.json` and `model.weights.h5`
 *
 * Source: keras/src/legacy/saving/legacy_h5_format.py and keras/src/saving/saving_lib.py of Keras 3.15.
 */
import { WeightsError } from '../core/errors.js';
import { parseJsonObject } from '../core/json.js';
import type { FileFacts, FileTensor, ForeignFile, RandomAccess, TensorGroup } from './foreignFile.js';
import { isHdf5, openHdf5, type Hdf5, type Threads } from './hdf5/openHdf5.js';
import type { Hdf5Array, Hdf5Object } from './hdf5/messages.js';
import { kerasModelFacts, layersOf, type KerasLayer } from './kerasModel.js';
import { factsOfNames, nameLayers, pyTorchName, refuseActivations } from './kerasNames.js';
import { openZip } from './zip.js';

const SAVE_AGAIN = 'Save the weights in Python: model.save_weights("net.h5").';

/** An array of a layer, such as `kernel` of `stem_1_conv`. */
interface Variable {
  readonly layer: string;
  readonly name: string;
  /** For reports, such as `stem_1_conv/kernel:0`. */
  readonly label: string;
  readonly path: string;
  readonly array: Hdf5Array;
}

/** What a file contains: its variables, and the names of all layers if it has them. */
interface Content {
  readonly variables: readonly Variable[];
  readonly layers: readonly string[];
  readonly format: string;
  readonly notes: readonly string[];
}

type Objects = ReadonlyMap<string, Hdf5Object>;

const refuse = (op: string, expected: string, got: string, hint = SAVE_AGAIN): never => {
  throw new WeightsError({ op, expected, got, hint });
};

/** A text attribute; null if there is none. */
function textOf(object: Hdf5Object | undefined, name: string): string | null {
  const text = object !== undefined && Object.hasOwn(object.texts, name) ? object.texts[name] : undefined;
  return typeof text === 'string' ? text : null;
}

/** A list of texts, which Keras writes in parts (`layer_names0`, `layer_names1`, …) above 64 kB; null if there is none. */
export function listOf({ texts }: Hdf5Object, name: string): readonly string[] | null {
  const partAt = (key: string): readonly string[] | null => {
    const part = Object.hasOwn(texts, key) ? texts[key] : undefined;
    return typeof part === 'object' ? part : null;
  };
  const whole = partAt(name);
  if (whole !== null) return whole;
  let list: string[] | null = null;
  for (let i = 0; ; i++) {
    const part = partAt(`${name}${i}`);
    if (part === null) return list;
    list = [...(list ?? []), ...part];
  }
}

const joined = (folder: string, name: string): string => `${folder === '/' ? '' : folder}/${name}`;

/** A layer that keeps no weights has an empty list, which HDF5 writes without a type of text. */
function legacyContent(objects: Objects, root: Hdf5Object, layers: readonly string[], op: string): Content {
  const variables: Variable[] = [];
  for (const layer of layers) {
    const folder = joined(root.path, layer);
    const group = objects.get(folder);
    if (group === undefined) return refuse(op, `the layer ${layer}, which layer_names lists`, 'no such group');
    for (const weight of listOf(group, 'weight_names') ?? []) {
      const path = joined(folder, weight);
      const array = objects.get(path)?.array ?? null;
      if (array === null) return refuse(op, `the array ${path}, which weight_names lists`, 'no such array');
      // Of a model in a model, the layer is in the name: `stem_1_conv/kernel:0`.
      const [name, inner = layer] = weight.split('/').reverse();
      variables.push({ layer: inner, name: name.replace(/:\d+$/, ''), label: weight, path, array });
    }
  }
  const isWhole = root.path !== '/';
  return { variables, layers, format: isWhole ? 'Keras model (.h5)' : 'Keras weights (.h5)', notes: [] };
}

/** `/layers/conv2d_3/vars/0`: an array of a layer. */
const NUMBERED = /^(?:(.*)\/)?layers\/([a-z0-9_]+?)(?:_(\d+))?\/vars\/(\d+)$/;

function numberedContent(objects: Objects, op: string): Content | null {
  const found = [...objects.values()].flatMap(({ path, array }) => {
    const match = array === null ? null : NUMBERED.exec(path);
    if (match === null || array === null) return [];
    const [, , kind, number = '0', index] = match;
    return [{ kind, number: Number(number), index: Number(index), path, array }];
  });
  if (found.length === 0) return null;
  const layerPath = (path: string): string => path.slice(0, path.lastIndexOf('/'));
  // Keras 3 writes the name beside the arrays, tf-keras does not.
  const stated = found.map(({ path }) => textOf(objects.get(layerPath(path)), 'name'));
  const isNamed = stated.every((name) => name !== null);
  const names = isNamed ? null : nameLayers(found, op);
  const variables = found.map(({ kind, number, index, path, array }, i) => {
    const layer = stated[i] ?? names?.get(`${kind} ${number}`) ?? layerPath(path);
    return { layer, name: variableName(kind, index), label: path.slice(1), path, array };
  });
  const note = 'The file numbers its layers instead of naming them: they were taken in the order of the network.';
  return { variables, layers: [], format: 'Keras weights (.weights.h5)', notes: isNamed ? [] : [note] };
}

/** The names of the arrays of a layer, which Keras 3 numbers. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  conv2d: ['kernel', 'bias'],
  depthwise_conv2d: ['depthwise_kernel', 'bias'],
  batch_normalization: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
};

const variableName = (kind: string, index: number): string =>
  (Object.hasOwn(VARIABLES, kind) ? VARIABLES[kind].at(index) : undefined) ?? `${index}`;

/** The axes of a kernel in PyTorch's order (OIHW) by their places in Keras's (HWIO; depthwise: HW, channels, 1). */
function axesOf({ layer, name, array: { shape } }: Variable): readonly (number | null)[] {
  if (shape.length === 4) return layer.endsWith('_dw_conv') ? [2, 3, 0, 1] : [3, 2, 0, 1];
  // A dense layer.
  if (shape.length === 2 && name === 'kernel') return [1, 0, null, null];
  return shape.map((_, axis) => axis);
}

/** A variance to which a batch norm adds another epsilon than networks of this package do. */
function shifted(tensor: FileTensor, shift: number): FileTensor {
  return {
    ...tensor,
    dtype: 'float64',
    async read() {
      return Float64Array.from(await tensor.read(), (variance) => variance + shift);
    },
  };
}

/** ε of this package and of the library. */
const EPSILON = 1e-6;

/** Tensors under PyTorch's names as far as they have one, and these by the names in the file. */
interface NamedTensors {
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly renamed: ReadonlyMap<string, string>;
}

function tensorsOf(
  file: Hdf5,
  { variables }: Content,
  epsilons: ReadonlyMap<string, number>,
  op: string,
): NamedTensors {
  const form = variables.some(({ layer }) => layer.endsWith('_bn')) ? 'train' : 'deploy';
  const tensors = new Map<string, FileTensor>();
  const renamed = new Map<string, string>();
  for (const variable of variables) {
    const { layer, name, label, path, array } = variable;
    const ownName = pyTorchName(layer, name, form);
    const key = ownName ?? label;
    if (tensors.has(key)) {
      refuse(op, `one array ${name} of the layer ${layer}`, 'several', 'Save one network in a file.');
    }
    if (ownName !== null) renamed.set(label, ownName);
    const tensor = file.tensor(path, array, axesOf(variable));
    const epsilon = epsilons.get(layer) ?? EPSILON;
    const isShifted = epsilon !== EPSILON && key.endsWith('.running_var');
    tensors.set(key, isShifted ? shifted(tensor, epsilon - EPSILON) : tensor);
  }
  return { tensors, renamed };
}

const ORDER_NOTE = 'Kernels have the axes HWIO in the file, and OIHW here.';

function epsilonNotes(epsilons: ReadonlyMap<string, number>): string[] {
  const others = new Set([...epsilons.values()].filter((epsilon) => epsilon !== EPSILON));
  if (others.size === 0) return [];
  const values = [...others].sort((a, b) => a - b).join(', ');
  return [
    `Batch norms of the file have epsilon ${values} instead of ${EPSILON}: the difference was added to the variances.`,
  ];
}

/** The variables of a file. @throws WeightsError if it is none of Keras */
function contentOf(objects: Objects, op: string): Content {
  for (const path of ['/model_weights', '/']) {
    const root = objects.get(path);
    const layers = root === undefined ? null : listOf(root, 'layer_names');
    if (root !== undefined && layers !== null) return legacyContent(objects, root, layers, op);
  }
  const content = numberedContent(objects, op);
  if (content !== null) return content;
  const paths = [...objects.keys()].filter((path) => path !== '/').slice(0, 3);
  const got = paths.length === 0 ? 'an empty HDF5 file' : `HDF5 with ${paths.join(', ')}`;
  return refuse(op, 'weights of Keras (the attribute layer_names, or the group layers)', got);
}

/** Keras states its version in files of Keras 2 and 3 alike. */
function writerOf(version: string | null, backend: string | null): string | null {
  if (version === null) return null;
  return `Keras ${version}${backend === null ? '' : ` (${backend})`}`;
}

/** Letters of a version that are shown. */
const LONGEST_VERSION = 40;

/** What stands beside the weights. */
interface Beside {
  readonly format?: string;
  readonly version: string | null;
  readonly layers: readonly KerasLayer[] | null;
  readonly modelName: string | null;
}

function foreignFile(file: Hdf5, content: Content, beside: Beside, op: string): ForeignFile {
  const { layers, modelName } = beside;
  const root = file.objects.find(({ path }) => path === '/');
  const backend = textOf(root, 'backend');
  const names = layers === null ? content.layers : layers.map(({ name }) => name);
  refuseActivations(names, op);
  const model = layers === null ? null : kerasModelFacts(layers, modelName, op);
  const epsilons = model?.epsilons ?? new Map<string, number>();
  const { tensors, renamed } = tensorsOf(file, content, epsilons, op);
  const facts: FileFacts = model?.facts ?? factsOfNames(names);
  const group: TensorGroup = { path: [], tensors };
  return {
    format: beside.format ?? content.format,
    writer: writerOf(beside.version?.slice(0, LONGEST_VERSION) ?? null, backend?.slice(0, LONGEST_VERSION) ?? null),
    groups: [group],
    facts,
    renamed,
    notes: [ORDER_NOTE, ...content.notes, ...epsilonNotes(epsilons), ...(model?.notes ?? [])],
    close: () => file.close(),
  };
}

async function read(file: Hdf5, beside: (objects: Objects) => Beside, op: string): Promise<ForeignFile> {
  try {
    const objects = new Map(file.objects.map((object) => [object.path, object]));
    return foreignFile(file, contentOf(objects, op), beside(objects), op);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function besideH5(objects: Objects, op: string): Beside {
  const root = objects.get('/');
  const version = textOf(root, 'keras_version') ?? textOf(objects.get('/model_weights'), 'keras_version');
  const text = textOf(root, 'model_config');
  if (text === null) return { version, layers: null, modelName: null };
  const model = parseJsonObject(text, { op: `${op}: model_config`, Refused: WeightsError, hint: SAVE_AGAIN });
  return { version, ...layersOf(model) };
}

/** Reads an HDF5 file of Keras that is open, and closes it if that fails. @param op for errors @throws WeightsError */
export const readKeras = (file: Hdf5, op: string): Promise<ForeignFile> =>
  read(file, (objects) => besideH5(objects, op), op);

/**
 * Opens an HDF5 file of Keras.
 *
 * @param threads that run the library; by default one for this file
 * @throws WeightsError for a damaged file, or one that Keras does not write
 * @throws BackendUnavailableError if the package h5wasm is not installed
 */
export async function openKeras(file: RandomAccess, threads?: Threads): Promise<ForeignFile> {
  return readKeras(await openHdf5(file, threads), file.name);
}

const WEIGHTS = 'model.weights.h5';
/** Bytes of the JSON files of an archive. */
const LONGEST_JSON = 2 ** 24;
const SIGNATURE_BYTES = 8;

/**
 * Opens a `.keras` archive.
 *
 * @param file a zip archive
 * @returns null for another archive
 * @throws as `openKeras`
 */
export async function openKerasArchive(file: RandomAccess, threads?: Threads): Promise<ForeignFile | null> {
  const { records } = await openZip(file);
  const weights = records.get(WEIGHTS);
  if (weights === undefined) return null;
  const json = async (name: string): Promise<Readonly<Record<string, unknown>> | null> => {
    const record = records.get(name);
    if (record === undefined) return null;
    const op = `${file.name}: ${name}`;
    if (record.size > LONGEST_JSON) return refuse(op, `at most ${LONGEST_JSON} bytes`, `${record.size}`);
    const access = await record.open(LONGEST_JSON);
    return parseJsonObject(await access.read(0, access.size), { op, Refused: WeightsError, hint: SAVE_AGAIN });
  };
  const [config, metadata] = [await json('config.json'), await json('metadata.json')];
  const access = await weights.open();
  const head = await access.read(0, Math.min(SIGNATURE_BYTES, access.size));
  if (!isHdf5(head)) return refuse(access.name, 'an HDF5 file', 'another');
  const version = metadata?.['keras_version'];
  const beside = {
    format: 'Keras model (.keras)',
    version: typeof version === 'string' ? version : null,
    ...(config === null ? { layers: null, modelName: null } : layersOf(config)),
  };
  return read(await openHdf5(access, threads), () => beside, file.name);
}
