import { Command, Option } from 'commander';
import { ParamError, ShapeError, WeightsError } from '../core/errors.js';
import { formatShape } from '../core/tensor.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { readBytes } from '../io/readFile.js';
import { decodeSafetensors, encodeSafetensors } from '../io/safetensors.js';
import { Model } from '../model/model.js';
import { referenceBackend } from '../oracle/backend.js';
import { forwardTraining } from '../oracle/forwardTraining.js';
import { number } from './arguments.js';
import { backendOf, withBackend, type BackendOptions } from './backends.js';
import { print, printJson } from './print.js';
import { CONFIG_HELP, openWeights, type WeightsOptions } from './weights.js';

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
  const { state, config: stored } = await openWeights(weights, rest);
  const x = decodeSafetensors(await readBytes(input, WeightsError), input).tensors.get('x');
  if (x === undefined)
    throw new WeightsError({ op: input, expected: 'a tensor x [n,c,h,w]', got: 'none of that name' });
  if (x.shape.length !== 4 || x.shape[0] < 1 || x.shape[1] !== stored.in_chans) {
    throw new ShapeError({ op: input, expected: `x [n,${stored.in_chans},h,w]`, got: `x ${formatShape(x.shape)}` });
  }
  const [n, , h, w] = x.shape;
  const config = { ...stored, input_size: [h, w] as const };
  if (mode === 'train' && backend !== referenceBackend.name) {
    throw new ParamError({ op: '--mode train', expected: '--backend reference', got: `--backend ${backend}` });
  }

  let data;
  // `tfjs` leaves it open which engine.
  let by = backend;
  if (mode === 'train') {
    data = forwardTraining(state, config, x);
  } else {
    const model = await Model.open(state, config, await backendOf(rest));
    data = await model.forward(x.data, n);
    by = model.backend;
    model.dispose();
  }
  const logits = { data, shape: [n, config.num_classes] };
  await atomicWrite(output, encodeSafetensors(new Map([['logits', logits]]), dtype === undefined ? {} : { dtype }));
  const type = dtype ?? (data instanceof Float32Array ? 'float32' : 'float64');
  const report = { output, shape: logits.shape, dtype: type, backend: by, mode, lambda: config.lambda };
  if (json) printJson(report);
  else print(`logits ${formatShape(logits.shape)} ${type} of ${input} by ${by} in ${mode} mode -> ${output}`);
}

export const runCommand = (): Command =>
  withBackend(
    new Command('run')
      .description('Logits of a batch, tensors in and out: for comparing with other implementations.')
      .requiredOption('-w, --weights <file>', 'weights (.safetensors), of either form')
      .requiredOption('-i, --input <file>', 'safetensors file with a tensor x [n,c,h,w], normalized')
      .requiredOption('-o, --output <file>', 'where to write the tensor logits [n, num_classes]'),
  )
    .option('-l, --lambda <value>', 'slope of the deep-training activations (train form)', number(0, 1))
    .addOption(
      new Option('-m, --mode <mode>', 'normalize by running statistics or by the batch')
        .choices(['eval', 'train'])
        .default('eval'),
    )
    .addOption(
      new Option('-d, --dtype <type>', 'type of the logits; what the backend computes in if not given').choices([
        'float32',
        'float64',
      ]),
    )
    .option('-c, --config <file>', CONFIG_HELP)
    .option('--json', 'print JSON')
    .action(run);
