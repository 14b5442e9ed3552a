import { Command } from 'commander';
import { FusionError } from '../../reference/index.js';
import { ParamError, VanillaNetError } from '../core/errors.js';
import { requireWritable } from '../io/atomicWrite.js';
import { WEIGHTS_DTYPES, type WeightsDtype } from '../io/safetensors.js';
import { writeWeights } from '../io/weightsFile.js';
import type { FusedState } from '../oracle/fuse.js';
import { verifyFused, type Verification } from '../oracle/verify.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import { number, size } from './arguments.js';
import { dtypeOption } from './dtype.js';
import { fuseWithBar } from './fuseWithBar.js';
import { threeDigits, print, printJson } from './print.js';
import { requireSafetensorsName } from './safetensorsOutput.js';
import { CONFIG_HELP, readNetworkWeights, requireLambda, type WeightsOptions } from './weights.js';

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
  const lambda = requireLambda(input, stored ?? option ?? null);
  if (option !== undefined && option !== lambda) {
    const hint = 'Omit --lambda: the weights have it.';
    throw new ParamError({ op: '--lambda', expected: `${lambda}, as in ${input}`, got: `${option}`, hint });
  }
  return lambda;
}

const isBounded = ({ float32Bound, maxLogit }: FusedState['report']): boolean => float32Bound < maxLogit;

/**
 * Runs the fused network in float32 for `--verify`, and where the bound is larger than the logits and says nothing.
 *
 * @returns null if there is no need, or if it was not asked for and does not run
 */
async function measure(fused: FusedState, isRequired: boolean): Promise<Verification | null> {
  if (!isRequired && isBounded(fused.report)) return null;
  try {
    return await verifyFused(fused, wasmBackend);
  } catch (error) {
    if (isRequired || !(error instanceof VanillaNetError)) throw error;
    return null;
  }
}

/** What is known of the error in float32: a bound that is larger than the logits is none. */
function errorLine(report: FusedState['report'], measured: Verification | null): string {
  const [worst, first] = [threeDigits(report.float32Bound), threeDigits(report.float32FirstOrder)];
  const where = `over ${report.boundedLogits} logits an image`;
  if (isBounded(report)) return `float32 bound    ${worst} worst case, ${first} to first order, ${where}`;
  const got = measured === null ? 'unknown' : `${threeDigits(measured.maxDifference)} measured in WebAssembly`;
  return `float32 error    ${got}; not bounded: ${worst} worst case exceeds the logits; ${first} estimated to first order, ${where}`;
}

const verifiedLine = ({ maxDifference, tolerance }: Verification): string =>
  `verified         ${threeDigits(maxDifference)} measured between WebAssembly in float32 and the unfused reference, ` +
  `within the ${tolerance === 'bound' ? 'bound' : 'first-order estimate'}`;

async function fuse(input: string, output: string, { config: path, lambda, ...options }: FuseOptions): Promise<void> {
  requireSafetensorsName(output);
  await requireWritable(output, [input]);
  const { state, config: stored } = await readNetworkWeights(input, path === undefined ? {} : { config: path });
  const config = { ...stored, lambda: trainedLambda(input, stored.lambda, lambda) };
  const probe = options.probeSize === undefined ? {} : { probeSize: options.probeSize };
  const fused = await fuseWithBar(state, config, probe);
  const { report } = fused;
  const measured = await measure(fused, options.verify === true);
  const verified = options.verify && measured !== null ? measured : undefined;
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
    const { maxDifference } = measured ?? {};
    printJson({
      output,
      ...report,
      ...(maxDifference === undefined ? {} : { float32Measured: maxDifference }),
      ...(verified === undefined ? {} : { verified }),
    });
    return;
  }
  const { maxScale } = report;
  print(`fused            ${input} -> ${output} (${options.dtype})`);
  print(
    `fused - unfused  ${threeDigits(report.maxDifference)} (logits up to ${threeDigits(report.maxLogit)}), both in float64`,
  );
  print(errorLine(report, measured));
  print(
    `largest scale    ${threeDigits(maxScale.value)} = |gamma|/sqrt(var + eps), channel ${maxScale.channel} of ${maxScale.name}`,
  );
  if (verified !== undefined) print(verifiedLine(verified));
}

export const fuseCommand = (): Command =>
  new Command('fuse')
    .description('Fuse a trained network (lambda = 1) into its shallow deploy form.')
    .argument('<in>', 'weights of the train form, in any format that inspect reads')
    .argument('<out>', 'file to write the deploy form to (.safetensors)')
    .option('--verify', 'check the fused network in WebAssembly before writing it')
    .option('-c, --config <file>', CONFIG_HELP)
    .option('-l, --lambda <value>', 'lambda of weights without it', number(0, 1))
    .option('-s, --probe-size <size>', 'size of the images to measure on (default: input size)', size)
    .addOption(dtypeOption('-d, --dtype <type>', 'type of the weights', WEIGHTS_DTYPES).default('float32'))
    .option('--json', 'print JSON')
    .action(fuse);
