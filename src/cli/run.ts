import { Command, Option } from 'commander';
import { checkFiniteInput, checkFiniteLogits } from '../core/finite.js';
import { ParamError, ShapeError, WeightsError } from '../core/errors.js';
import { formatShape } from '../core/tensor.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { readSafetensors } from '../io/readSafetensors.js';
import { encodeSafetensors } from '../io/safetensors.js';
import { Model } from '../model/model.js';
import { referenceBackend } from '../oracle/backend.js';
import { forwardTraining } from '../oracle/forwardTraining.js';
import { number } from './arguments.js';
import { openBackend, withBackend, type BackendOptions } from './backends.js';
import { print, printJson } from './print.js';
import { CONFIG_HELP, readNetworkWeights, requireLambda, type WeightsOptions } from './weights.js';

interface RunOptions extends WeightsOptions, BackendOptions {
  readonly weights: string;
  readonly input: string;
  readonly output: string;
  readonly mode: 'eval' | 'train';
  readonly dtype?: 'float32' | 'float64';
  readonly json?: true;
}

async function run({ weights, input, output, mode, dtype, json, ...rest }: RunOptions): Promise<void> {
  await requireWritable(output, [weights, input]);
  const { backend } = rest;
  const { state, config: stored } = await readNetworkWeights(weights, rest);
  if (stored.form === 'train' && backend === referenceBackend.name) requireLambda(weights, stored.lambda);
  const { tensors } = await readSafetensors(input);
  const x = tensors.get('x');
  if (x === undefined) {
    const names = [...tensors.keys()];
    const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`;
    const got = names.length === 0 ? 'no such tensor, and no other' : `no such tensor, but ${shown}`;
    const hint =
      'Write it in Python: safetensors.torch.save_file({"x": images}, "in.safetensors"); for pictures, use vanillanet classify.';
    throw new WeightsError({ op: input, expected: 'a tensor x [n,c,h,w]', got, hint });
  }
  if (x.shape.length !== 4 || x.shape[0] < 1 || x.shape[1] !== stored.in_chans) {
    throw new ShapeError({ op: input, expected: `x [n,${stored.in_chans},h,w]`, got: `x ${formatShape(x.shape)}` });
  }
  const [n, , h, w] = x.shape;
  const config = { ...stored, input_size: [h, w] as const };
  if (mode === 'train' && backend !== referenceBackend.name) {
    const hint = 'Add --backend reference: only the reference normalizes by the batch here.';
    throw new ParamError({ op: '--mode train', expected: '--backend reference', got: `--backend ${backend}`, hint });
  }

  let data;
  let usedBackend = backend;
  if (mode === 'train') {
    checkFiniteInput(input, x.data);
    data = forwardTraining(state, config, x);
    checkFiniteLogits('run', data, config);
  } else {
    const model = await Model.open(state, config, await openBackend(rest));
    // `tfjs` does not say which engine.
    usedBackend = model.backend;
    data = await model.forward(x.data, n).finally(() => {
      model.dispose();
    });
  }
  const logits = { data, shape: [n, config.num_classes] };
  await atomicWrite(output, encodeSafetensors(new Map([['logits', logits]]), dtype === undefined ? {} : { dtype }));
  const type = dtype ?? (data instanceof Float32Array ? 'float32' : 'float64');
  const report = { output, shape: logits.shape, dtype: type, backend: usedBackend, mode, lambda: config.lambda };
  if (json) printJson(report);
  else print(`logits ${formatShape(logits.shape)} ${type} of ${input} by ${usedBackend} in ${mode} mode -> ${output}`);
}

export const runCommand = (): Command =>
  withBackend(
    new Command('run')
      .description('Compute the logits of a batch, from tensor file to tensor file.')
      .requiredOption('-w, --weights <file>', 'weights (.safetensors)')
      .requiredOption('-i, --input <file>', 'file with a normalized tensor x [n,c,h,w]')
      .requiredOption('-o, --output <file>', 'file for the tensor logits [n,num_classes]'),
  )
    .option('-l, --lambda <value>', 'lambda of the activations (train form)', number(0, 1))
    .addOption(new Option('-m, --mode <mode>', 'mode of batch norm').choices(['eval', 'train']).default('eval'))
    .addOption(
      new Option('-d, --dtype <type>', "type of the logits (default: the backend's)").choices(['float32', 'float64']),
    )
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(run);
