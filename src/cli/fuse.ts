import { Command } from 'commander';
import { FusionError } from '../../reference/index.js';
import { ParamError } from '../core/errors.js';
import { requireWritable } from '../io/atomicWrite.js';
import { WEIGHTS_DTYPES, type WeightsDtype } from '../io/safetensors.js';
import { writeWeights } from '../io/weightsFile.js';
import { fuseState } from '../oracle/fuse.js';
import { verifyFused } from '../oracle/verify.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import { number, size } from './arguments.js';
import { dtypeOption } from './dtype.js';
import { brief, print, printJson } from './print.js';
import { CONFIG_HELP, openWeights, type WeightsOptions } from './weights.js';

interface FuseOptions extends WeightsOptions {
  readonly verify?: true;
  readonly dtype: WeightsDtype;
  readonly probeSize?: [number, number];
  readonly json?: true;
}

/**
 * λ that the network was trained to. `--lambda` is for weights that do not say:
 * to call a network at 0.5 one at 1 would fuse it, silently, into another.
 */
function trainedLambda(input: string, stored: number | null, given: number | undefined): number {
  const lambda = stored ?? given;
  if (lambda === undefined) {
    throw new ParamError({ op: input, expected: 'a lambda, in the weights or as --lambda', got: 'neither' });
  }
  if (given !== undefined && given !== lambda) {
    throw new ParamError({ op: '--lambda', expected: `${lambda}, as ${input} says`, got: `${given}` });
  }
  return lambda;
}

async function fuse(input: string, output: string, { config: path, lambda, ...options }: FuseOptions): Promise<void> {
  await requireWritable(output, [input]);
  const { state, config: stored } = await openWeights(input, path === undefined ? {} : { config: path });
  const config = { ...stored, lambda: trainedLambda(input, stored.lambda, lambda) };
  const probe = options.probeSize === undefined ? {} : { probeSize: options.probeSize };
  const fused = fuseState(state, config, probe);
  const { report } = fused;
  const verified = options.verify ? await verifyFused(fused, wasmBackend) : undefined;
  if (verified !== undefined && !verified.holds) {
    const got = `${brief(report.maxDifference)} in float64, ${brief(verified.maxDifference)} in float32`;
    throw new FusionError(
      'fuse --verify',
      `differences within the ${verified.tolerance}, ${brief(verified.tolerance === 'bound' ? report.float32Bound : report.float32FirstOrder)}`,
      got,
    );
  }
  await writeWeights(output, fused.state, fused.config, { dtype: options.dtype });

  if (options.json) {
    printJson({ output, ...report, ...(verified === undefined ? {} : { verified }) });
    return;
  }
  const { maxScale } = report;
  print(`fused            ${input} -> ${output} (${options.dtype})`);
  print(`fused - unfused  ${brief(report.maxDifference)} of logits up to ${brief(report.maxLogit)}, both in float64`);
  print(
    `float32 bound    ${brief(report.float32Bound)} worst case, ${brief(report.float32FirstOrder)} to first order, ` +
      `over ${report.boundedLogits} logits an image`,
  );
  print(
    `largest scale    ${brief(maxScale.value)} = |gamma|/sqrt(var + eps), channel ${maxScale.channel} of ${maxScale.name}`,
  );
  if (verified !== undefined) {
    print(
      `verified         ${brief(verified.maxDifference)} between WebAssembly in float32 and the unfused oracle, within the ${verified.tolerance}`,
    );
  }
}

export const fuseCommand = (): Command =>
  new Command('fuse')
    .description('Fuse a trained network (lambda = 1) into its shallow deploy form, and measure the difference.')
    .argument('<in>', 'weights of the train form (.safetensors)')
    .argument('<out>', 'where to write the deploy form')
    .option(
      '--verify',
      'also run the fused network in WebAssembly; write nothing where a bounded logit (the 16 largest of each image) differs by more than its bound',
    )
    .option('-c, --config <file>', CONFIG_HELP)
    .option('-l, --lambda <value>', 'lambda the network was trained to, where the weights do not say', number(0, 1))
    .option(
      '-s, --probe-size <size>',
      "size of the images it is measured on; the network's input size if not given",
      size,
    )
    .addOption(
      dtypeOption(
        '-d, --dtype <type>',
        'type of the weights written; the differences are measured before they are rounded to it (pack measures that)',
        WEIGHTS_DTYPES,
      ).default('float32'),
    )
    .option('--json', 'print JSON')
    .action(fuse);
