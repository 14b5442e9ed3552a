import { Command } from 'commander';
import { WeightsError } from '../core/errors.js';
import { checkedTensors, type Recognition } from '../formats/recognize.js';
import { openRecognized, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { print, printJson } from './print.js';
import { printRecognition, recognitionJson } from './recognitionReport.js';

interface InspectOptions extends RecognitionFlags {
  readonly json?: true;
}

/** The errors of tensors whose values no network can have, such as NaN. */
async function invalidTensors(weights: Recognition, path: string): Promise<readonly WeightsError[]> {
  const errors: WeightsError[] = [];
  for (const tensor of checkedTensors(weights, path).values()) {
    await tensor.read().catch((error: unknown) => {
      if (!(error instanceof WeightsError)) throw error;
      errors.push(error);
    });
  }
  return errors;
}

/** The first tensor, and how many more there are. */
const invalidText = ([{ message }, ...others]: readonly WeightsError[]): string =>
  others.length === 0 ? message : `${message}, and ${others.length} more ${others.length === 1 ? 'tensor' : 'tensors'}`;

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const weights = await openRecognized(path, options);
  try {
    const invalid = await invalidTensors(weights, path);
    if (options.json) {
      printJson({ ...recognitionJson(path, weights), invalid: invalid.map((each) => each.message) });
      return;
    }
    printRecognition(path, weights);
    if (invalid.length > 0) print(`invalid     ${invalidText(invalid)}; convert refuses them`);
  } finally {
    await weights.close();
  }
}

export const inspectCommand = (): Command =>
  withRecognition(
    new Command('inspect')
      .description('Show what a file of weights is, and which network is in it.')
      .argument('<file>', 'weights of PyTorch, PaddlePaddle, Keras or ONNX, or safetensors'),
  )
    .option('--json', 'print JSON')
    .action(inspect);
