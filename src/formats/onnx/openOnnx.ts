/** ONNX graphs of VanillaNet, as PyTorch's exporters and this package write them. */
import { show } from '../../core/check.js';
import type { ModelConfig, ModelConfigInput } from '../../core/config.js';
import { WeightsError } from '../../core/errors.js';
import { readConfig } from '../../io/configMetadata.js';
import { fileKind } from '../../io/fileKind.js';
import type { FileTensor, ForeignFile, OpenSibling, RandomAccess } from '../foreignFile.js';
import { readChain, type Chain } from './chain.js';
import { readCounters } from './counters.js';
import { readModel, type OnnxModel } from './model.js';
import { constantTensor, readNetwork, type OnnxNetwork } from './network.js';
import { fileTensor } from './tensors.js';

/** The first version of ONNX's ops whose batch norm has no other modes, and the first that was not seen. */
const OPSETS = { first: 7, last: 40 };

/** Whether a file begins as an ONNX model, which has no magic bytes, does. */
export const isOnnx = (head: Uint8Array): boolean => fileKind(head).name.startsWith('an ONNX model');

function checkOpset({ opset }: OnnxModel, name: string): void {
  if (opset >= OPSETS.first && opset <= OPSETS.last) return;
  const hint = 'Export it with opset_version=17, or convert it in Python by onnx.version_converter.';
  const expected = `ops of ONNX (opset ${OPSETS.first} to ${OPSETS.last})`;
  throw new WeightsError({ op: name, expected, got: `opset ${opset}`, hint });
}

/** What both a graph and a configuration state of a network, and λ. */
const NETWORK = ['dims', 'strides', 'ada_pool', 'article_stem', 'in_chans', 'num_classes', 'act_num', 'form'] as const;

/** A value of a key as text, to compare it. */
function comparable(config: ModelConfigInput, key: (typeof NETWORK)[number]): string {
  const { [key]: value, ada_pool } = config;
  const strides = (config.strides ?? []) as readonly number[];
  if ((key !== 'strides' && key !== 'ada_pool') || !Array.isArray(ada_pool)) return JSON.stringify(value);
  // A stage of stride 1 has no pool. With an adaptive pool, nothing else is computed from the stride of a stage.
  const pools = strides.map((stride, i) => (stride === 1 ? 0 : (ada_pool as readonly number[])[i]));
  return JSON.stringify(key === 'ada_pool' ? pools : strides.map((stride, i) => (pools[i] > 0 ? 0 : stride)));
}

/** @throws WeightsError if the metadata are those of another network */
function checkAgreement(graph: ModelConfigInput, config: ModelConfig, name: string): void {
  const refuse = (key: string, expected: unknown, got: unknown): never => {
    const hint = 'The graph was changed after it was exported: remove the entry vanillanet of its metadata_props.';
    throw new WeightsError({
      op: name,
      expected: `${key} ${show(expected)}, as in the metadata`,
      got: show(got),
      hint,
    });
  };
  for (const key of NETWORK) {
    if (comparable(config, key) !== comparable(graph, key)) refuse(key, config[key], graph[key]);
  }
  const { lambda } = config;
  const isSame = lambda !== null && Math.fround(lambda) === Math.fround(graph.lambda as number);
  if (!isSame && config.form === 'train') refuse('lambda', lambda, graph.lambda);
}

async function tensorsOf(
  { parameters }: OnnxNetwork,
  file: RandomAccess,
  openSibling: OpenSibling | undefined,
): Promise<Map<string, FileTensor>> {
  const tensors = new Map<string, FileTensor>();
  for (const [name, parameter] of parameters) {
    const tensor =
      'op' in parameter
        ? await fileTensor(file, parameter, openSibling)
        : constantTensor(parameter.channels, parameter.value);
    tensors.set(name, tensor);
  }
  return tensors;
}

/** PyTorch's names of tensors by others that they have in the file. */
function renamedIn({ parameters }: OnnxNetwork): Map<string, string> {
  const renamed = new Map<string, string>();
  for (const [name, parameter] of parameters) {
    if ('op' in parameter && parameter.name !== '' && parameter.name !== name && !renamed.has(parameter.name)) {
      renamed.set(parameter.name, name);
    }
  }
  return renamed;
}

const writerOf = ({ producer }: OnnxModel): string | null => (producer === '' ? null : producer);

function factsOf(model: OnnxModel, chain: Chain, network: OnnxNetwork): Omit<ForeignFile, 'groups' | 'config'> {
  return {
    ...{ format: `ONNX graph, opset ${model.opset}`, writer: writerOf(model), facts: {} },
    ...{ stated: network.config, guesses: network.guesses, notes: network.notes },
    ...{ renamed: renamedIn(network), unexpected: chain.unused },
  };
}

/**
 * Reads an ONNX graph of a VanillaNet: the weights by their place in the graph, whatever their names are.
 *
 * @param openSibling opens another file beside it, which may have the values of tensors
 * @throws WeightsError that names the node or tensor if it is damaged, or the graph of another network
 */
export async function openOnnx(file: RandomAccess, openSibling?: OpenSibling): Promise<ForeignFile> {
  const model = await readModel(file);
  checkOpset(model, file.name);
  const config = readConfig(model.metadata, file.name);
  const chain = await readChain(model, file, openSibling);
  const network = readNetwork(chain, config?.form, file.name);
  if (config !== null) checkAgreement(network.config, config, file.name);
  const tensors = await tensorsOf(network, file, openSibling);
  for (const [name, counter] of readCounters(model.metadata, file.name)) tensors.set(name, counter);
  return {
    ...factsOf(model, chain, network),
    groups: [{ path: [], tensors }],
    ...(config === null ? {} : { config }),
  };
}
