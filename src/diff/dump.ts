/** Activations that another framework wrote down: a tensor a module, and the batch that they are of. */
import type { ModelConfig } from '../core/config.js';
import { ShapeError, WeightsError } from '../core/errors.js';
import { planNetwork } from '../core/network.js';
import { formatShape, type StateDict, type Tensor } from '../core/tensor.js';
import { readBytes } from '../io/readFile.js';
import { decodeSafetensors } from '../io/safetensors.js';
import { isModule } from './names.js';
import { viewsOf, type Views } from './views.js';

/** What the batch is called in a dump. */
export const INPUT = 'input';

export interface Dump {
  readonly file: string;
  readonly tensors: StateDict;
}

/** @throws WeightsError for a missing, damaged or foreign file */
export const readDump = async (file: string): Promise<Dump> => ({
  file,
  tensors: decodeSafetensors(await readBytes(file, WeightsError), file).tensors,
});

/** The batch that a dump is of. @throws WeightsError where it does not say */
export function inputOf({ file, tensors }: Dump): Tensor {
  const x = tensors.get(INPUT);
  if (x !== undefined) return x;
  throw new WeightsError({ op: file, expected: `a tensor ${INPUT} [n,c,h,w]`, got: 'none of that name' });
}

/** The same batch, or what float32 makes of it: what came of another says nothing. */
function requireInput({ file, tensors }: Dump, x: Tensor): void {
  const own = inputOf({ file, tensors });
  const op = `${file}: ${INPUT}`;
  if (formatShape(own.shape) !== formatShape(x.shape)) {
    throw new ShapeError({ op, expected: formatShape(x.shape), got: formatShape(own.shape) });
  }
  const odd = own.data.findIndex((v, i) => v !== x.data[i] && v !== Math.fround(x.data[i]));
  if (odd < 0) return;
  const [expected, got] = [`${x.data[odd]} at element ${odd}, as all are given`, `${own.data[odd]}`];
  throw new WeightsError({ op, expected, got });
}

/**
 * @param config its input_size is that of x
 * @param x what the others were given
 * @throws WeightsError for a dump of another batch or network, ShapeError for a tensor of another shape
 */
export function viewsOfDump(dump: Dump, config: ModelConfig, x: Tensor): Views {
  requireInput(dump, x);
  const plan = planNetwork(config, config.input_size);
  const outputs = new Map(dump.tensors);
  outputs.delete(INPUT);
  const views = viewsOf(outputs, plan, x.shape[0], 'modules', dump.file);
  if (views.views.length > 0) return views;
  const some = plan.filter((layer) => isModule(layer, plan)).slice(0, 3);
  throw new WeightsError({
    op: dump.file,
    expected: `outputs of the ${config.form} form's modules (${some.map(({ name }) => name).join(', ')}, …)`,
    got: [...outputs.keys()].slice(0, 3).join(', ') || `nothing but ${INPUT}`,
  });
}
