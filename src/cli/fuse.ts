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
import { threeDigits, print, printJson } from './print.js';
import { CONFIG_HELP, readNetworkWeights, type WeightsOptions } from './weights.js';

interface FuseOptions extends WeightsOptions {
  readonly verify?: true;
  readonly dtype: WeightsDtype;
  readonly probeSize?: [number, number];
  readonly json?: true;
}

/**
 * The λ that the network was trained to. `--lambda` is for weights without it, and must not contradict them: fusing
 * with another λ would silently give another network.
 */
function trainedLambda(input: string, stored: number | null, option: number | undefined): number {
  const lambda = stored ?? option;
  if (lambda === undefined) {
    const hint = 'Pass the lambda that the network was trained to: --lambda 1.';
    throw new ParamError({ op: input, expected: 'weights with lambda, or --lambda', got: 'neither', hint });
  }
  if (option !== undefined && option !== lambda) {
    const hint = 'Omit --lambda: the weights have it.';
    throw new ParamError({ op: '--lambda', expected: `${lambda}, as in ${input}`, got: `${option}`, hint });
  }
  return lambda;
}

async function fuse(input: string, output: string, { config: path, lambda, ...options }: FuseOptions): Promise<void> {
  await requireWritable(output, [input]);
  const { state, config: stored } = await readNetworkWeights(input, path === undefined ? {} : { config: path });
  const config = { ...stored, lambda: trainedLambda(input, stored.lambda, lambda) };
  const probe = options.probeSize === undefined ? {} : { probeSize: options.probeSize };
  const fused = fuseState(state, config, probe);
  const { report } = fused;
  const verified = options.verify ? await verifyFused(fused, wasmBackend) : undefined;
  if (verified !== undefined && !verified.holds) {
    const got = `${threeDigits(report.maxDifference)} in float64, ${threeDigits(verified.maxDifference)} in float32`;
    throw new FusionError(
      'fuse --verify',
      `differences within the ${verified.tolerance}, ${threeDigits(verified.tolerance === 'bound' ? report.float32Bound : report.float32FirstOrder)}`,
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
  print(
    `fused - unfused  ${threeDigits(report.maxDifference)} (logits up to ${threeDigits(report.maxLogit)}), both in float64`,
  );
  print(
    `float32 bound    ${threeDigits(report.float32Bound)} worst case, ${threeDigits(report.float32FirstOrder)} to first order, ` +
      `over ${report.boundedLogits} logits an image`,
  );
  print(
    `largest scale    ${threeDigits(maxScale.value)} = |gamma|/sqrt(var + eps), channel ${maxScale.channel} of ${maxScale.name}`,
  );
  if (verified !== undefined) {
    print(
      `verified         ${threeDigits(verified.maxDifference)} between WebAssembly in float32 and the unfused reference, within the ${verified.tolerance}`,
    );
  }
}

export const fuseCommand = (): Command =>
  new Command('fuse')
    .description('Fuse a trained network (lambda = 1) into its shallow deploy form.')
    .argument('<in>', 'weights of the train form (.safetensors)')
    .argument('<out>', 'file to write the deploy form to')
    .option('--verify', 'check the fused network in WebAssembly before writing it')
    .option('-c, --config <file>', CONFIG_HELP)
    .option('-l, --lambda <value>', 'lambda of weights without it', number(0, 1))
    .option('-s, --probe-size <size>', 'size of the images to measure on (default: input size)', size)
    .addOption(dtypeOption('-d, --dtype <type>', 'type of the weights', WEIGHTS_DTYPES).default('float32'))
    .option('--json', 'print JSON')
    .action(fuse);
