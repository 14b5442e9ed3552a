/**
 * jax-js on its WebAssembly backend, which has one thread in Node: the whole step in one `jit`. 1x1 convolutions use
 * `lax.dot`, which is twice as fast as `lax.convGeneralDilated`. In 0.1.25, `numpy.matmul` of a matrix and a batch of
 * matrices gives wrong products.
 */
import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { join } from 'node:path';
import { readWeights } from '../../../../../dist/src/entries/node.js';
import { readBatch, WEIGHTS } from '../files.js';
import type { OpenedTrainer, TrainingJob } from '../job.js';

type Tensors = Record<string, np.Array>;

const arrayOf = (values: ArrayLike<number>, shape: readonly number[]): np.Array =>
  np.array(Float32Array.from(values)).reshape([...shape]);

/** Reshapes a vector to broadcast along the channels of [n, c, h, w]. */
const channels = (vector: np.Array): np.Array => vector.reshape([1, -1, 1, 1]);

/** jax-js functions consume their arguments; an array that is used again is passed as `.ref`. */
function stepOf({ network, lambda, adam, batchNorm, batch }: TrainingJob) {
  const leaky = (x: np.Array): np.Array => nn.leakyRelu(x, lambda);

  const pointwise = (x: np.Array, name: string, p: Tensors): np.Array => {
    const weight = p[`${name}.weight`];
    const product = lax.dot(weight.reshape(weight.shape.slice(0, 2)), x, {
      lhsContractingDims: [1],
      rhsContractingDims: [1],
    });
    return product.transpose([1, 0, 2, 3]).add(channels(p[`${name}.bias`]));
  };

  /** Batch norm in training mode; stores the batch statistics for the running statistics in `statistics`. */
  const normalize = (x: np.Array, name: string, p: Tensors, statistics: Tensors): np.Array => {
    const [n, , h, w] = x.shape;
    const mean = x.ref.mean([0, 2, 3], { keepdims: true });
    const centered = x.sub(mean.ref);
    const variance = np.square(centered.ref).mean([0, 2, 3], { keepdims: true });
    statistics[`${name}.running_mean`] = lax.stopGradient(mean).reshape([-1]);
    const count = n * h * w;
    statistics[`${name}.running_var`] = lax
      .stopGradient(variance.ref)
      .reshape([-1])
      .mul(count / (count - 1));
    const scaled = centered.mul(np.reciprocal(np.sqrt(variance.add(batchNorm.eps))));
    return scaled.mul(channels(p[`${name}.weight`])).add(channels(p[`${name}.bias`]));
  };

  const activation = (x: np.Array, name: string, p: Tensors, statistics: Tensors): np.Array => {
    const padding: [number, number] = [network.act_num, network.act_num];
    const mixed = lax.convGeneralDilated(nn.relu(x), p[`${name}.weight`], [1, 1], [padding, padding], {
      featureGroupCount: x.shape[1],
    });
    return normalize(mixed, `${name}.bn`, p, statistics);
  };

  const pool = (x: np.Array, stride: number): np.Array => {
    const [n, c, h, w] = x.shape;
    return np.max(x.reshape([n, c, h / stride, stride, w / stride, stride]), [3, 5]);
  };

  const lossOf = (p: Tensors, x: np.Array, targets: np.Array): [np.Array, Tensors] => {
    const statistics: Tensors = {};
    let y = lax.convGeneralDilated(x, p['stem1.0.weight'], [4, 4], 'VALID').add(channels(p['stem1.0.bias']));
    y = leaky(normalize(y, 'stem1.1', p, statistics));
    y = activation(normalize(pointwise(y, 'stem2.0', p), 'stem2.1', p, statistics), 'stem2.2', p, statistics);
    network.strides.forEach((stride, i) => {
      const stage = `stages.${i}`;
      y = leaky(normalize(pointwise(y, `${stage}.conv1.0`, p), `${stage}.conv1.1`, p, statistics));
      y = pool(normalize(pointwise(y, `${stage}.conv2.0`, p), `${stage}.conv2.1`, p, statistics), stride);
      y = activation(y, `${stage}.act`, p, statistics);
    });
    y = y.mean([2, 3], { keepdims: true });
    y = leaky(normalize(pointwise(y, 'cls1.2', p), 'cls1.3', p, statistics));
    const logits = pointwise(y, 'cls2.0', p).reshape([batch, network.num_classes]);
    return [np.sum(nn.logSoftmax(logits, 1).mul(targets)).mul(-1 / batch), statistics];
  };

  const [beta1, beta2] = adam.betas;
  return jit(
    (
      [p, m, v, running]: [Tensors, Tensors, Tensors, Tensors],
      [x, targets, correction1, correction2]: [np.Array, np.Array, np.Array, np.Array],
    ): [np.Array, [Tensors, Tensors, Tensors, Tensors]] => {
      const [[loss, statistics], gradients] = valueAndGrad(lossOf, { hasAux: true })(tree.ref(p), x, targets);
      const next: [Tensors, Tensors, Tensors, Tensors] = [{}, {}, {}, {}];
      for (const [name, gradient] of Object.entries(gradients)) {
        const m1 = m[name].mul(beta1).add(gradient.ref.mul(1 - beta1));
        const v1 = v[name].mul(beta2).add(np.square(gradient).mul(1 - beta2));
        const root = np.sqrt(v1.ref.div(correction2.ref)).add(adam.eps);
        next[0][name] = p[name].sub(m1.ref.div(correction1.ref).mul(adam.lr).div(root));
        next[1][name] = m1;
        next[2][name] = v1;
      }
      tree.dispose([correction1, correction2]);
      for (const [name, value] of Object.entries(statistics)) {
        const { momentum } = batchNorm;
        next[3][name] = running[name].mul(1 - momentum).add(value.mul(momentum));
      }
      return [loss, next];
    },
  );
}

export async function open(job: TrainingJob): Promise<OpenedTrainer> {
  const { folder, network, batch, adam } = job;
  await init('wasm');
  defaultDevice('wasm');
  const { state } = await readWeights(join(folder, WEIGHTS));
  const { x, targets } = await readBatch(folder);
  const [parameters, m, v, running]: [Tensors, Tensors, Tensors, Tensors] = [{}, {}, {}, {}];
  for (const [name, { data, shape }] of state) {
    if (name.endsWith('.num_batches_tracked')) continue;
    if (/\.running_(mean|var)$/.test(name)) {
      running[name] = arrayOf(data, shape);
      continue;
    }
    parameters[name] = arrayOf(data, shape);
    m[name] = np.zeros([...shape]);
    v[name] = np.zeros([...shape]);
  }
  const run = stepOf(job);
  let training: [Tensors, Tensors, Tensors, Tensors] = [parameters, m, v, running];
  let steps = 0;
  return {
    async step() {
      steps++;
      const [correction1, correction2] = adam.betas.map((beta) => arrayOf([1 - beta ** steps], []));
      const images = np.array(x).reshape([batch, network.in_chans, ...network.input_size]);
      const shares = np.array(targets).reshape([batch, network.num_classes]);
      const [loss, next] = run(training, [images, shares, correction1, correction2]);
      training = next;
      return (await loss.data())[0];
    },
  };
}
