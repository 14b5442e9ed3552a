/** What the configuration of a Keras model says about a VanillaNet. */
import { isRecord, show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import type { FileFacts } from './foreignFile.js';

/** A layer of a model. */
export interface KerasLayer {
  /** Such as `Conv2D`. */
  readonly kind: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** The value of a key that an object has itself. */
const valueAt = (object: unknown, key: string): unknown =>
  isRecord(object) && Object.hasOwn(object, key) ? object[key] : undefined;

/** The layers of a model and its name; null and null for a configuration without layers. */
export function layersOf(model: unknown): { layers: readonly KerasLayer[] | null; modelName: string | null } {
  const config = valueAt(model, 'config');
  const [list, name] = [valueAt(config, 'layers'), valueAt(config, 'name')];
  if (!Array.isArray(list)) return { layers: null, modelName: null };
  const layers = list.flatMap((layer: unknown): KerasLayer[] => {
    const [kind, own] = [valueAt(layer, 'class_name'), valueAt(layer, 'config')];
    const layerName = valueAt(own, 'name');
    return typeof kind === 'string' && typeof layerName === 'string' && isRecord(own)
      ? [{ kind, name: layerName, config: own }]
      : [];
  });
  return { layers, modelName: typeof name === 'string' ? name : null };
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

const HINT = 'Save the weights alone in Python: model.save_weights("net.h5").';

/** λ of the leaky ReLUs; undefined if there are none. @throws WeightsError if they have several, or one that is none */
function lambdaOf(layers: readonly KerasLayer[], op: string): number | undefined {
  const slopes = layers
    .filter(({ kind }) => kind === 'LeakyReLU')
    // Keras 2 and 3.
    .map(({ config }) => valueAt(config, 'alpha') ?? valueAt(config, 'negative_slope'));
  const values = [...new Set(slopes)];
  if (values.length === 0) return undefined;
  const [lambda] = values;
  if (values.length === 1 && isNumber(lambda) && lambda >= 0 && lambda <= 1) return lambda;
  const hint = 'Set one slope in Python before saving: model.set_leaky_relu_alpha(1).';
  throw new WeightsError({
    op,
    expected: 'leaky ReLUs of one slope in [0, 1], which is lambda',
    got: values.slice(0, 3).map(show).join(', '),
    hint,
  });
}

/** The pooling stride of each stage: that of the layer stackN_down. */
function stridesOf(layers: ReadonlyMap<string, KerasLayer>, op: string): number[] {
  const strides: number[] = [];
  for (let stage = 1; layers.has(`stack${stage}_act_dw_conv`); stage++) {
    const name = `stack${stage}_down`;
    const pool = layers.get(name);
    if (pool === undefined) strides.push(1);
    else {
      const { pool_size: size, strides: steps = size, padding } = pool.config;
      const [height, width] = Array.isArray(size) ? (size as readonly unknown[]) : [];
      const isSquare = isSize(height) && height === width && show(steps) === show(size) && padding === 'valid';
      if (pool.kind !== 'MaxPooling2D' || !isSquare) {
        const got = `${pool.kind} with pool_size ${show(size)}, strides ${show(steps)} and padding ${show(padding)}`;
        const expected = 'a square MaxPooling2D with equal strides, without padding';
        throw new WeightsError({ op: `${op}: ${name}`, expected, got, hint: HINT });
      }
      strides.push(height);
    }
  }
  return strides;
}

/** The height and width of the input; undefined if they are open. */
function inputSizeOf(layers: readonly KerasLayer[]): readonly [number, number] | undefined {
  const input = layers.find(({ kind }) => kind === 'InputLayer')?.config;
  const shape = input?.['batch_input_shape'] ?? input?.['batch_shape'];
  if (!Array.isArray(shape) || shape.length !== 4) return undefined;
  const isFirst = layers.some(({ config }) => config['data_format'] === 'channels_first');
  const [height, width] = (isFirst ? shape.slice(2) : shape.slice(1, 3)) as readonly unknown[];
  const most = 2 ** 16;
  return isSize(height) && isSize(width) && height <= most && width <= most ? [height, width] : undefined;
}

/** The published network that a model is named after. */
const modelOf = (name: string | null): string | undefined =>
  name !== null && /^vanillanet_\d/.test(name) ? name.replace(/_deploy$/, '') : undefined;

/** ε of each batch norm. @throws WeightsError for one without a scale or an offset, or a value that is none */
function epsilonsOf(layers: readonly KerasLayer[], op: string): ReadonlyMap<string, number> {
  const epsilons = new Map<string, number>();
  for (const { kind, name, config } of layers) {
    if (kind !== 'BatchNormalization') continue;
    const { epsilon } = config;
    if (!isNumber(epsilon) || epsilon < 0 || epsilon > 1) {
      throw new WeightsError({
        op: `${op}: ${name}`,
        expected: 'an epsilon in [0, 1]',
        got: show(epsilon),
        hint: HINT,
      });
    }
    epsilons.set(name, epsilon);
  }
  return epsilons;
}

/** @throws WeightsError for a network that is computed in another way */
function checkLayers(layers: readonly KerasLayer[], op: string): void {
  for (const { kind, name, config } of layers) {
    const isConv = kind === 'Conv2D' || kind === 'DepthwiseConv2D';
    const { activation, dilation_rate: dilation } = config;
    const isAct = kind === 'Activation' && /_act_/.test(name);
    const expected = isAct ? 'relu' : isConv ? 'linear' : null;
    if (expected !== null && activation !== expected) {
      throw new WeightsError({ op: `${op}: ${name}`, expected: `the activation ${expected}`, got: show(activation) });
    }
    if (isConv && Array.isArray(dilation) && dilation.some((each) => each !== 1)) {
      throw new WeightsError({ op: `${op}: ${name}`, expected: 'no dilation', got: `dilation_rate ${show(dilation)}` });
    }
  }
}

export interface KerasModelFacts {
  readonly facts: FileFacts;
  readonly epsilons: ReadonlyMap<string, number>;
  readonly notes: readonly string[];
}

/** @throws WeightsError for a network of another kind */
export function kerasModelFacts(layers: readonly KerasLayer[], modelName: string | null, op: string): KerasModelFacts {
  checkLayers(layers, op);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const [lambda, strides, input_size] = [lambdaOf(layers, op), stridesOf(byName, op), inputSizeOf(layers)];
  const model = modelOf(modelName);
  const rate = layers.find(({ kind }) => kind === 'Dropout')?.config['rate'];
  const isRate = isNumber(rate) && rate >= 0 && rate < 1;
  return {
    facts: {
      ...(lambda === undefined ? {} : { lambda }),
      ...(strides.length === 0 ? {} : { strides }),
      ...(input_size === undefined ? {} : { input_size }),
      ...(model === undefined ? {} : { model }),
      ...(isRate ? { drop: rate } : {}),
    },
    epsilons: epsilonsOf(layers, op),
    notes: [],
  };
}
