import { Command } from 'commander';
import { importWeights } from '../formats/importWeights.js';
import { recognitionOptions, withRecognition, type RecognitionFlags } from './recognitionFlags.js';
import { printJson } from './print.js';
import { printRecognition, recognitionJson } from './recognitionReport.js';
import { checkWeightsPath } from './weightsPath.js';

interface InspectOptions extends RecognitionFlags {
  readonly json?: true;
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const weights = await importWeights(await checkWeightsPath(path), await recognitionOptions(options));
  await weights.close();
  if (options.json) printJson(recognitionJson(path, weights));
  else printRecognition(path, weights);
}

export const inspectCommand = (): Command =>
  withRecognition(
    new Command('inspect')
      .description('Show what a file of weights is, and which network is in it.')
      .argument('<file>', 'weights of PyTorch or PaddlePaddle, or safetensors'),
  )
    .option('--json', 'print JSON')
    .action(inspect);
