import { Command } from 'commander';
import { ParamError } from '../core/errors.js';
import { isCounter } from '../core/parameters.js';
import type { FileTensor } from '../formats/foreignFile.js';
import { importWeights, type ImportedWeights } from '../formats/importWeights.js';
import { checkedTensors, requireWhole } from '../formats/recognize.js';
import { requireWritable } from '../io/atomicWrite.js';
import { writeConfig } from '../io/configMetadata.js';
import { writeSafetensors, type TensorSource } from '../io/writeSafetensors.js';
import { dtypeOption } from './dtype.js';
import { print, printJson } from './print.js';
import { recognitionOptions, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { printRecognition, recognitionJson } from './recognitionReport.js';
import { checkWeightsPath } from './weightsPath.js';

const DTYPES = { float16: 'F16', float32: 'F32', float64: 'F64' } as const;
type Dtype = keyof typeof DTYPES;

interface ConvertOptions extends RecognitionFlags {
  readonly dtype?: Dtype;
  readonly strict?: true;
  readonly json?: true;
}

/** The type of a tensor in the file that is written; by default one that keeps every bit. */
function dtypeFor(name: string, { dtype }: FileTensor, forced: Dtype | undefined): TensorSource['dtype'] {
  // PyTorch's load_state_dict requires int64 counters.
  if (isCounter(name)) return 'I64';
  if (forced !== undefined) return forced === 'float16' && /running_/.test(name) ? 'F32' : DTYPES[forced];
  return dtype === 'float64' || dtype === 'int64' ? 'F64' : dtype === 'float16' ? 'F16' : 'F32';
}

function requireSafetensors(output: string): void {
  if (output.endsWith('.safetensors')) return;
  throw new ParamError({
    op: output,
    expected: 'a name that ends in .safetensors',
    got: 'another',
    hint: 'Files are written as safetensors.',
  });
}

async function write(weights: ImportedWeights, input: string, output: string, options: ConvertOptions): Promise<void> {
  requireWhole(weights, input, { strict: options.strict ?? false });
  const sources = [...checkedTensors(weights, input)].map(([name, tensor]): TensorSource => ({
    ...{ name, shape: tensor.shape, dtype: dtypeFor(name, tensor, options.dtype) },
    read: () => tensor.read(),
  }));
  await writeSafetensors(output, sources, writeConfig(weights.config));
}

async function convert(input: string, output: string, options: ConvertOptions): Promise<void> {
  requireSafetensors(output);
  await requireWritable(output, [input]);
  const weights = await importWeights(await checkWeightsPath(input), await recognitionOptions(options));
  try {
    await write(weights, input, output, options);
  } finally {
    await weights.close();
  }
  if (options.json) printJson({ ...recognitionJson(input, weights), output });
  else {
    printRecognition(input, weights);
    print(`converted   ${input} -> ${output}`);
  }
}

export const convertCommand = (): Command =>
  withRecognition(
    new Command('convert')
      .description('Convert weights of PyTorch or PaddlePaddle to safetensors, every bit kept.')
      .argument('<in>', 'weights of PyTorch or PaddlePaddle, or safetensors')
      .argument('<out>', 'file to write (.safetensors)'),
  )
    .addOption(
      dtypeOption('-d, --dtype <type>', 'type of the weights; by default that of the file', Object.keys(DTYPES)),
    )
    .option('--strict', 'refuse tensors that the network does not have, and guesses')
    .option('--json', 'print JSON')
    .action(convert);
