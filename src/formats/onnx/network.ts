/** Finds the layers of a VanillaNet in the sequence of what a graph computes. */
import { VARIANTS, type Form, type ModelConfigInput, type VariantName } from '../../core/config.js';
import { WeightsError } from '../../core/errors.js';
import { formatShape } from '../../core/tensor.js';
import type { FileTensor } from '../foreignFile.js';
import type { Chain, ConvStep, Step } from './chain.js';
import { unlike } from './names.js';
import type { OnnxNode, OnnxTensor } from './model.js';

/** A tensor of the graph, or a value for each channel that the graph leaves out. */
export type Parameter = OnnxTensor | { readonly channels: number; readonly value: number };

/** A network that a graph computes. */
export interface OnnxNetwork {
  /** By PyTorch's names. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** All that the graph shows of the network. */
  readonly config: ModelConfigInput & { readonly form: Form };
  readonly guesses: readonly string[];
  readonly notes: readonly string[];
}

type StepOf<Kind extends Step['kind']> = Step & { readonly kind: Kind };

/** What errors call a step. */
const TITLES: Readonly<Record<Step['kind'], string>> = {
  conv: 'a convolution',
  norm: 'a batch norm',
  leaky: 'ReLU or leaky ReLU',
  pool: 'a max pool',
  adaptivePool: 'an adaptive pool',
  mean: 'the average over the map',
};

/** The variance whose batch norm divides by 1: in float64, 0.999999 + 1e-6 is 1. */
export const UNIT_VARIANCE = 0.999999;
const STEM_KERNEL = 4;
/** The stride that a stage has beside its adaptive pool; nothing is computed from it. */
const ADAPTIVE_STRIDE = 2;

/** The decimal number that was probably written: the shortest with this value in float32. */
export function shortestDecimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

class NetworkReader {
  private at = 0;
  private readonly parameters = new Map<string, Parameter>();
  private readonly slopes: { readonly node: OnnxNode; readonly slope: number }[] = [];
  private readonly pools: (StepOf<'pool' | 'adaptivePool'> | null)[] = [];
  private readonly dims: number[] = [];
  private folded = 0;
  private zeros = 0;
  private linear = 0;

  constructor(
    private readonly chain: Chain,
    /** The form that the file states; it matters for networks of one channel. */
    private readonly stated: Form | undefined,
    private readonly file: string,
  ) {}

  read(): OnnxNetwork {
    const stem = this.take('conv', 'the convolution of the stem');
    const form = this.formAfter(stem);
    const isTrain = form === 'train';
    this.checkStem(stem);
    if (isTrain) this.trainStem(stem);
    else this.deployStem(stem);
    this.dims.push(stem.weight.shape[0]);
    for (let i = 0; this.peek()?.kind !== 'mean'; i++) this.stage(i, isTrain);
    if (this.dims.length < 2) throw this.unexpected('a stage');
    this.take('mean', 'the average over the map');
    const classes = isTrain ? this.trainHead() : this.deployHead();
    if (this.peek() !== undefined) throw this.unexpected('the end of the network');
    return {
      parameters: this.parameters,
      config: { ...this.sizes(stem), ...this.lambda(isTrain), num_classes: classes, form },
      guesses: this.guesses(stem),
      notes: this.notes(isTrain),
    };
  }

  private peek(ahead = 0): Step | undefined {
    return this.chain.steps[this.at + ahead];
  }

  private unexpected(expected: string): WeightsError {
    const step = this.peek();
    const last = this.chain.steps.at(-1)?.node ?? { op: `${this.file}: graph` };
    return unlike(step?.node ?? last, expected, step === undefined ? 'the end of the network' : TITLES[step.kind]);
  }

  private take<Kind extends Step['kind']>(kind: Kind, expected: string): StepOf<Kind> {
    const step = this.peek();
    if (step?.kind !== kind) throw this.unexpected(expected);
    this.at++;
    return step as StepOf<Kind>;
  }

  private takeIf<Kind extends Step['kind']>(kind: Kind): StepOf<Kind> | null {
    const step = this.peek();
    if (step?.kind !== kind) return null;
    this.at++;
    return step as StepOf<Kind>;
  }

  /** The form: after the stem's convolution, the deploy form has ReLU and a depthwise convolution. */
  private formAfter({ weight }: ConvStep): Form {
    const [first, second] = [this.peek(), this.peek(1)];
    const isDeploy =
      first?.kind === 'leaky' &&
      first.slope === 0 &&
      second?.kind === 'conv' &&
      second.group === weight.shape[0] &&
      second.weight.shape[1] === 1;
    if (!isDeploy) return 'train';
    // Of one channel, a 1x1 convolution is depthwise, too: the train form with lambda 0 looks the same here.
    const isEither = weight.shape[0] === 1 && second.weight.shape[2] === 1;
    return isEither ? (this.stated ?? 'deploy') : 'deploy';
  }

  private checkStem({ node, weight, stride, padding, group }: StepOf<'conv'>): void {
    const isPlain = stride === 4 && padding === 0;
    const isAdaptive = stride === 3 && padding === 1;
    if (weight.shape[2] === STEM_KERNEL && group === 1 && (isPlain || isAdaptive)) return;
    const got = `kernel ${weight.shape[2]}, stride ${stride}, padding ${padding}`;
    throw unlike(node, 'the stem of VanillaNet: kernel 4, with stride 4 and padding 0, or stride 3 and padding 1', got);
  }

  private trainStem(stem: StepOf<'conv'>): void {
    this.convolution('stem1.0', stem);
    this.norm('stem1.1', stem.weight.shape[0]);
    this.leaky();
    const second = this.pointwise('stem2.0');
    this.norm('stem2.1', second.weight.shape[0]);
    this.activation('stem2.2', true);
  }

  private deployStem(stem: StepOf<'conv'>): void {
    this.convolution('stem.0', stem);
    this.activation('stem.1', false);
  }

  private stage(i: number, isTrain: boolean): void {
    const stage = `stages.${i}`;
    let last: ConvStep;
    if (isTrain) {
      const first = this.pointwise(`${stage}.conv1.0`);
      this.norm(`${stage}.conv1.1`, first.weight.shape[0]);
      this.leaky();
      last = this.pointwise(`${stage}.conv2.0`);
      this.norm(`${stage}.conv2.1`, last.weight.shape[0]);
    } else last = this.pointwise(`${stage}.conv`);
    this.dims.push(last.weight.shape[0]);
    this.pools.push(this.takeIf('pool') ?? this.takeIf('adaptivePool'));
    this.activation(`${stage}.act`, isTrain);
  }

  private trainHead(): number {
    const first = this.pointwise('cls1.2');
    this.norm('cls1.3', first.weight.shape[0]);
    this.leaky();
    return this.pointwise('cls2.0').weight.shape[0];
  }

  private deployHead(): number {
    return this.pointwise('cls.2').weight.shape[0];
  }

  /** A 1x1 convolution of all channels. */
  private pointwise(name: string): StepOf<'conv'> {
    const conv = this.take('conv', 'a 1x1 convolution');
    const { node, weight, stride, padding, group } = conv;
    if (weight.shape[2] !== 1 || stride !== 1 || padding !== 0 || group !== 1) {
      const got = `${formatShape(weight.shape)} in ${group} groups, stride ${stride}, padding ${padding}`;
      throw unlike(node, `a 1x1 convolution (${name})`, got);
    }
    this.convolution(name, conv);
    return conv;
  }

  private convolution(name: string, { weight, bias }: ConvStep): void {
    this.parameters.set(`${name}.weight`, weight);
    this.parameters.set(`${name}.bias`, bias ?? this.zeroBias(weight.shape[0]));
  }

  private zeroBias(channels: number): Parameter {
    this.zeros++;
    return { channels, value: 0 };
  }

  /** A batch norm, or an identity in the place of one that was folded into the convolution before. */
  private norm(name: string, channels: number, bias: Parameter = { channels, value: 0 }): void {
    const norm = this.takeIf('norm');
    if (norm === null) this.folded++;
    const identity = {
      weight: { channels, value: 1 },
      ...{ bias, mean: { channels, value: 0 }, variance: { channels, value: UNIT_VARIANCE } },
    };
    const values: Record<keyof typeof identity, Parameter> = norm ?? identity;
    this.parameters.set(`${name}.weight`, values.weight);
    this.parameters.set(`${name}.bias`, values.bias);
    this.parameters.set(`${name}.running_mean`, values.mean);
    this.parameters.set(`${name}.running_var`, values.variance);
  }

  /** The leaky ReLU between two convolutions; without one, it is the identity. */
  private leaky(): void {
    const step = this.takeIf('leaky');
    if (step !== null) this.slopes.push(step);
    else this.linear++;
  }

  /** ReLU and a depthwise convolution. In the train form it has a batch norm instead of a bias. */
  private activation(name: string, isTrain: boolean): void {
    const relu = this.take('leaky', 'ReLU');
    if (relu.slope !== 0) throw unlike(relu.node, 'ReLU', `leaky ReLU of ${relu.slope}`);
    const conv = this.take('conv', 'a depthwise convolution');
    const { node, weight, bias, stride, padding, group } = conv;
    const [channels, perGroup, kernel] = weight.shape;
    if (group !== channels || perGroup !== 1 || stride !== 1 || kernel !== 2 * padding + 1) {
      const got = `${formatShape(weight.shape)} in ${group} groups, stride ${stride}, padding ${padding}`;
      throw unlike(node, `a depthwise convolution that keeps the size of the map (${name})`, got);
    }
    if (!isTrain) {
      this.convolution(name, conv);
      return;
    }
    this.parameters.set(`${name}.weight`, weight);
    const isNormed = this.peek()?.kind === 'norm';
    if (isNormed && bias !== null) {
      throw unlike(node, 'no bias before the batch norm of the activation', 'a bias');
    }
    this.norm(`${name}.bn`, channels, bias ?? { channels, value: 0 });
  }

  private sizes(stem: StepOf<'conv'>): ModelConfigInput {
    const { dims, pools } = this;
    const strides = pools.map((pool) => (pool?.kind === 'pool' ? pool.stride : pool === null ? 1 : ADAPTIVE_STRIDE));
    const ada_pool = this.isAdaptive(stem)
      ? pools.map((pool) => (pool?.kind === 'adaptivePool' ? pool.size : 0))
      : null;
    const isArticle = ada_pool !== null && stem.stride === 4;
    const variant = (Object.keys(VARIANTS) as VariantName[]).find((name) => {
      const { ada_pool: sizes = null, ...each } = VARIANTS[name] as (typeof VARIANTS)[VariantName] & {
        readonly ada_pool?: readonly number[] | null;
      };
      return (
        each.dims.join() === dims.join() && each.strides.join() === strides.join() && sizes?.join() === ada_pool?.join()
      );
    });
    const { inputSize } = this.chain;
    return {
      ...(variant === undefined ? {} : { variant }),
      ...{ dims, strides, ada_pool, article_stem: isArticle },
      in_chans: stem.weight.shape[1],
      act_num: this.actNum(),
      ...(inputSize === null ? {} : { input_size: inputSize }),
    };
  }

  private actNum(): number {
    const act = this.parameters.get('stem2.2.weight') ?? this.parameters.get('stem.1.weight');
    return act !== undefined && 'shape' in act ? (act.shape[2] - 1) / 2 : 0;
  }

  private isAdaptive(stem: ConvStep): boolean {
    return stem.stride === 3 || this.pools.some((pool) => pool?.kind === 'adaptivePool');
  }

  /** @throws WeightsError unless all leaky ReLUs have the same slope */
  private lambda(isTrain: boolean): { readonly lambda: number } {
    if (!isTrain) return { lambda: 1 };
    const expected = this.linear > 0 || this.slopes.length === 0 ? 1 : this.slopes[0].slope;
    for (const { node, slope } of this.slopes) {
      if (slope !== expected) {
        const hint = 'Only networks with one lambda are read.';
        const [before, other] = [shortestDecimal(expected), shortestDecimal(slope)];
        throw unlike(node, `alpha ${before}, as in the other activations`, String(other), hint);
      }
    }
    return { lambda: shortestDecimal(expected) };
  }

  private guesses(stem: ConvStep): string[] {
    const { pools } = this;
    const isOpen = stem.stride === 3 && pools.some((pool) => pool?.kind === 'pool') && !pools.some((pool) => pool?.kind === 'adaptivePool'); // prettier-ignore
    return isOpen
      ? ['ada_pool of zeros: the pools of the graph have fixed windows, as adaptive ones have for one size of images.']
      : [];
  }

  private notes(isTrain: boolean): string[] {
    const { folded, zeros, linear, chain } = this;
    const norms = `${folded} of its batch norms`;
    return [
      ...(isTrain && folded > 0
        ? [
            `The export folded ${norms} into the convolutions: identities stand for them, and the network computes the same.`,
          ]
        : []),
      ...(zeros > 0 ? [`The graph leaves out ${zeros} biases, which are zero.`] : []),
      ...(isTrain && linear > 0 ? [`${linear} leaky ReLUs are left out: lambda is 1.`] : []),
      ...(chain.hasSoftmax ? ['The graph ends in Softmax: here, forward computes the logits before it.'] : []),
    ];
  }
}

/**
 * Finds the network in a sequence of steps.
 *
 * @param stated the form by the metadata of this package
 * @param file for errors
 * @throws WeightsError that names the node which is not in its place
 */
export const readNetwork = (chain: Chain, stated: Form | undefined, file: string): OnnxNetwork =>
  new NetworkReader(chain, stated, file).read();

/** A tensor whose values are all the same. */
export const constantTensor = (channels: number, value: number): FileTensor => ({
  shape: [channels],
  // Only float64 represents the variance exactly.
  dtype: value === UNIT_VARIANCE ? 'float64' : 'float32',
  read: () => Promise.resolve(new (value === UNIT_VARIANCE ? Float64Array : Float32Array)(channels).fill(value)),
});
