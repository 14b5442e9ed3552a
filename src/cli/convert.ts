import { Command } from 'commander';
import type { ModelConfigInput } from '../core/config.js';
import { isBuffer, isCounter } from '../core/parameters.js';
import { outputFormat } from '../formats/exportWeights.js';
import type { FileTensor } from '../formats/foreignFile.js';
import type { ImportedWeights } from '../formats/importWeights.js';
import { checkedTensors, requireWhole } from '../formats/recognize.js';
import { unstatedConfig } from '../formats/unstatedConfig.js';
import { requireWritable } from '../io/atomicWrite.js';
import type { TensorSource } from '../io/tensorSource.js';
import { dtypeOption } from './dtype.js';
import { print, printJson } from './print.js';
import { openRecognized, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { printRecognition, recognitionJson } from './recognitionReport.js';
import { printVerified, requireVerified, verifyConversion, type Verified } from './verifyConversion.js';

const DTYPES = { float16: 'F16', float32: 'F32', float64: 'F64' } as const;
type Dtype = keyof typeof DTYPES;

interface ConvertOptions extends RecognitionFlags {
  readonly dtype?: Dtype;
  readonly strict?: true;
  readonly verify?: true;
  readonly json?: true;
}

/** The type of a tensor in the file that is written; by default one that keeps every bit. */
export function dtypeFor(name: string, { dtype }: FileTensor, forced: Dtype | undefined): TensorSource['dtype'] {
  // PyTorch's load_state_dict requires int64 counters.
  if (isCounter(name)) return 'I64';
  if (forced !== undefined) return forced === 'float16' && isBuffer(name) ? 'F32' : DTYPES[forced];
  return dtype === 'float64' || dtype.startsWith('int') ? 'F64' : dtype === 'float16' ? 'F16' : 'F32';
}

/** The tensors to write, after a check that they are those of the whole network. @throws WeightsError */
function sourcesOf(weights: ImportedWeights, input: string, { strict, dtype }: ConvertOptions): TensorSource[] {
  requireWhole(weights, input, { strict: strict ?? false });
  return [...checkedTensors(weights, input)].map(([name, tensor]): TensorSource => ({
    ...{ name, shape: tensor.shape, dtype: dtypeFor(name, tensor, dtype) },
    read: () => tensor.read(),
  }));
}

/** How to read a file again that has no configuration. */
function configText(output: string, { class_names, ...keys }: ModelConfigInput): string {
  const parts = [
    ...(Object.keys(keys).length === 0 ? [] : [JSON.stringify(keys)]),
    // As long as a table: --json prints them.
    ...(class_names === undefined ? [] : ['class_names']),
  ];
  if (parts.length === 0) return `not in ${output}; it is found again by the shapes of the tensors`;
  return `not in ${output}; to read it, pass --config with ${parts.join(' and ')}`;
}

async function convert(input: string, output: string, options: ConvertOptions): Promise<void> {
  const format = outputFormat(output);
  await requireWritable(output, [input]);
  const weights = await openRecognized(input, options);
  const unstated = format.hasConfig ? {} : unstatedConfig(weights.config);
  let verified: Verified | undefined;
  try {
    await format.write(output, sourcesOf(weights, input, options), weights.config);
    if (options.verify) verified = await verifyConversion(weights, output, unstated);
  } finally {
    await weights.close();
  }
  if (options.json) {
    printJson({
      ...recognitionJson(input, weights),
      output,
      unstated,
      ...(verified === undefined ? {} : { verified }),
    });
  } else {
    printRecognition(input, weights);
    print(`converted   ${input} -> ${output}`);
    if (!format.hasConfig) print(`config      ${configText(output, unstated)}`);
    if (verified !== undefined) printVerified(verified);
  }
  if (verified !== undefined) requireVerified(verified, output);
}

export const convertCommand = (): Command =>
  withRecognition(
    new Command('convert')
      .description(
        'Convert weights to safetensors, a state_dict of PyTorch or PaddlePaddle, or an ONNX graph, every bit kept.',
      )
      .argument('<in>', 'weights of PyTorch, PaddlePaddle, Keras or ONNX, or safetensors')
      .argument('<out>', 'file to write: .safetensors or .onnx, or without a configuration .pth, .pt or .pdparams'),
  )
    .addOption(
      dtypeOption('-d, --dtype <type>', 'type of the weights; by default that of the file', Object.keys(DTYPES)),
    )
    .option('--verify', 'read the file again, and compare its logits with those of the input')
    .option('--strict', 'refuse tensors that the network does not have, and guesses')
    .option('--json', 'print JSON')
    .action(convert);
