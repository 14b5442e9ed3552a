import { Command, Option } from 'commander';
import { resolveConfig, VARIANTS, type Form, type ModelConfig, type VariantName } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { formatShape } from '../core/tensor.js';
import { planNetwork, type Layer } from '../core/network.js';
import { integer, size, variantName } from './arguments.js';
import { readJsonObject } from './jsonFile.js';
import { outputColumns, print, printBlock, printJson, table } from './print.js';
import { readNetworkWeights } from './weights.js';

interface SummaryOptions {
  readonly weights?: string;
  readonly config?: string;
  readonly form: Form | 'both';
  readonly size?: Size;
  readonly numClasses?: number;
  readonly json?: true;
}

const sum = (layers: readonly Layer[], key: 'parameters' | 'macs'): number =>
  layers.reduce((total, layer) => total + layer[key], 0);

const totals = (layers: readonly Layer[]) => ({ parameters: sum(layers, 'parameters'), macs: sum(layers, 'macs') });

/** The output shape, the parameters and the multiply-adds of each layer. */
function describe(config: ModelConfig, form: Form, at: Size) {
  const layers = planNetwork({ ...config, form }, at);
  return {
    form,
    ...totals(layers),
    layers: layers.map(({ name, op, output, parameters, macs }) => ({ name, op, output, parameters, macs })),
  };
}

async function configOf(variant: string | undefined, options: SummaryOptions): Promise<ModelConfig> {
  if (options.weights !== undefined) return (await readNetworkWeights(options.weights, options)).config;
  if (options.config !== undefined) return resolveConfig(await readJsonObject(options.config));
  const { numClasses } = options;
  return resolveConfig({ variant, ...(numClasses === undefined ? {} : { num_classes: numClasses }) });
}

/** The eleven variants in both forms. */
function describeAll(at: Size, num_classes: number) {
  return (Object.keys(VARIANTS) as VariantName[]).map((variant) => {
    const config = resolveConfig({ variant, num_classes });
    const [deploy, train] = (['deploy', 'train'] as const).map((form) => totals(planNetwork({ ...config, form }, at)));
    return { variant, deploy, train };
  });
}

function summarize(all: ReturnType<typeof describeAll>, columns: number): string {
  const rows = all.map(({ variant, deploy, train }) => [
    variant,
    deploy.parameters,
    deploy.macs,
    train.parameters,
    train.macs,
  ]);
  return table([['variant', 'deploy params', 'deploy MACs', 'train params', 'train MACs'], ...rows], columns);
}

async function summary(variant: string | undefined, options: SummaryOptions): Promise<void> {
  const sources = [variant, options.weights, options.config].filter((source) => source !== undefined);
  if (sources.length > 1) {
    throw new ParamError({
      op: 'summary',
      expected: 'one of variant, --weights and --config',
      got: sources.join(' and '),
    });
  }
  if (options.numClasses !== undefined && variant === undefined && sources.length > 0) {
    const got = `--num-classes ${options.numClasses}`;
    throw new ParamError({ op: 'summary', expected: 'no --num-classes with --weights or --config', got });
  }
  if (variant === undefined && options.weights === undefined && options.config === undefined) {
    const all = describeAll(options.size ?? [224, 224], options.numClasses ?? 1000);
    if (options.json) printJson(all);
    else printBlock(summarize(all, outputColumns()));
    return;
  }
  const config = await configOf(variant, options);
  const at = options.size ?? config.input_size;
  const forms: readonly Form[] = options.form === 'both' ? ['train', 'deploy'] : [options.form];
  const described = forms.map((form) => describe(config, form, at));
  if (options.json) {
    printJson(described);
    return;
  }
  for (const { form, layers, parameters, macs } of described) {
    const rows = layers.map((layer) => [layer.name, layer.op, formatShape(layer.output), layer.parameters, layer.macs]);
    const all = [['layer', 'op', 'output', 'parameters', 'MACs'], ...rows, ['total', '', '', parameters, macs]];
    print(`${config.variant ?? 'network'}, ${form} form, input ${formatShape([config.in_chans, ...at])}`);
    print('');
    printBlock(table(all, outputColumns()));
    print('');
  }
}

export const summaryCommand = (): Command =>
  new Command('summary')
    .description('List the layers of a network, or all variants: shapes, parameters, multiply-adds.')
    .argument('[variant]', 'such as vanillanet_5', variantName)
    .option('-w, --weights <file>', 'network of a weight file')
    .option('-c, --config <file>', 'network of a JSON file: variant or dims, strides, act_num, …')
    .addOption(
      new Option('-f, --form <form>', 'form of the network').choices(['train', 'deploy', 'both']).default('both'),
    )
    .option('-s, --size <size>', 'input size, such as 224 or 224x160', size)
    .option('-n, --num-classes <n>', 'number of classes of a variant', integer(1))
    .option('--json', 'print JSON')
    .action(summary);
