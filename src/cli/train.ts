import { Command, Option } from 'commander';
import { resolveConfig } from '../core/config.js';
import type { Size } from '../core/shapes.js';
import { findCifar10 } from '../data/find.js';
import { openDataset } from '../data/open.js';
import { requireWritable } from '../io/atomicWrite.js';
import { writeWeights } from '../io/weightsFile.js';
import { train, type Progress } from '../train/train.js';
import { oracleTrainer, wasmTrainer } from '../train/trainer.js';
import { integer, integers, number, size } from './arguments.js';
import { withBackend, type BackendOptions } from './backends.js';
import { percent, print } from './print.js';

interface TrainCommandOptions extends BackendOptions {
  readonly data?: string;
  readonly output: string;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly adaPool?: readonly number[];
  readonly actNum: number;
  readonly dropRate: number;
  readonly size: Size;
  readonly epochs: number;
  readonly decayEpochs?: number;
  readonly lambdaSchedule: 'linear' | 'cosine';
  readonly batchSize: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly smoothing: number;
  readonly seed: number;
  readonly limit?: number;
  readonly valLimit: number;
  readonly json?: true;
}

/** Per-channel mean and deviation of CIFAR-10's training images. */
const CIFAR10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };

/** Plain lines where nobody looks at a terminal: four an epoch. */
const LINES_PER_EPOCH = 4;

const line = ({ epoch, step, steps, lambda, lr, loss, accuracy }: Progress, epochs: number, rate: number): string =>
  `epoch ${epoch}/${epochs}  step ${`${step}`.padStart(`${steps}`.length)}/${steps}  lambda ${lambda.toFixed(2)}  ` +
  `lr ${lr.toExponential(1)}  loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${rate.toFixed(0)} images/s`;

/** Shows progress: a line that renews itself on a terminal, some lines elsewhere, or JSON lines. */
class Display {
  #images = 0;
  readonly #started = performance.now();

  constructor(
    private readonly epochs: number,
    private readonly batchSize: number,
    private readonly json: boolean,
  ) {}

  show(progress: Progress): void {
    this.#images += this.batchSize;
    const rate = (1000 * this.#images) / (performance.now() - this.#started);
    if (this.json) {
      print(JSON.stringify(progress)); // functions are left out
      return;
    }
    const { step, steps, validation } = progress;
    const text = line(progress, this.epochs, rate);
    const terminal = process.stdout.isTTY;
    if (terminal) process.stdout.write(`\r\x1b[K${text}${step === steps ? '\n' : ''}`);
    else if (step === steps || step % Math.ceil(steps / LINES_PER_EPOCH) === 0) print(text);
    if (validation !== undefined) {
      print(
        `epoch ${progress.epoch}/${this.epochs}  held out: loss ${validation.loss.toFixed(3)}  accuracy ${percent(validation.accuracy)}`,
      );
    }
  }
}

async function run(options: TrainCommandOptions): Promise<void> {
  await requireWritable(options.output);
  const spec = options.data ?? (await findCifar10()) ?? 'shapes';
  const { size: at, seed, limit, epochs } = options;
  const trained = await openDataset(spec, 'train', { size: at, seed, ...(limit === undefined ? {} : { n: limit }) });
  const heldOut =
    options.valLimit === 0 ? null : await openDataset(spec, 'test', { size: at, seed, n: options.valLimit });
  const config = resolveConfig({
    dims: options.dims,
    strides: options.strides,
    ada_pool: options.adaPool ?? null,
    act_num: options.actNum,
    drop_rate: options.dropRate,
    num_classes: trained.classNames.length,
    class_names: trained.classNames,
    input_size: at,
    // The images were read whole, so they are to be looked at whole.
    crop_pct: 1,
    ...CIFAR10,
  });
  if (!options.json) {
    print(
      `data   ${spec}: ${trained.n} images to train on, ${heldOut?.n ?? 0} held out, ${config.num_classes} classes`,
    );
    print(`net    dims ${config.dims.join(',')}  strides ${config.strides.join(',')}  act_num ${config.act_num}`);
  }
  const decayEpochs = options.decayEpochs ?? (2 * epochs) / 3;
  const trainer = options.backend === 'reference' ? oracleTrainer(config, options) : await wasmTrainer(config, options);
  const run = train(trained, heldOut, config, { ...options, decayEpochs }, trainer);
  const display = new Display(epochs, options.batchSize, options.json ?? false);
  let next = run.next();
  for (; !next.done; next = run.next()) display.show(next.value);
  trainer.dispose();
  await writeWeights(options.output, next.value, { ...config, lambda: 1 });
  if (!options.json) print(`wrote  ${options.output} (train form, lambda 1)`);
}

export const trainCommand = (): Command =>
  withBackend(
    new Command('train').description('Train a narrow network; lambda rises from 0 to 1, after which it can be fused.'),
    '--backend <name>',
  )
    .option(
      '-d, --data <what>',
      'CIFAR-10 (archive or folder), an image folder, or "shapes"; looked for in data/ if not given',
    )
    .option('-o, --output <file>', 'where to write the trained weights', 'vanillanet.safetensors')
    .option('--dims <list>', 'channels after the stem and each stage', integers(1), [16, 32, 64])
    .option('--strides <list>', 'pooling stride of each stage', integers(1), [2, 2])
    .option('--ada-pool <list>', 'adaptive pooling size of each stage, 0 for its stride', integers(0))
    .option('--act-num <n>', 'half width of the series activation', integer(0), 3)
    .option('--drop-rate <p>', 'dropout before the classifier', number(0, 1), 0)
    .option('-s, --size <size>', 'input size', size, [32, 32])
    .option('-e, --epochs <n>', 'epochs', integer(1), 3)
    .option('--decay-epochs <n>', 'epochs over which lambda rises; two thirds of all if not given', number(0))
    .addOption(
      new Option('--lambda-schedule <kind>', 'how lambda rises').choices(['linear', 'cosine']).default('linear'),
    )
    .option('-b, --batch-size <n>', 'images a step', integer(2), 32)
    .option('--lr <rate>', 'learning rate of Adam, annealed to 0', number(0), 3e-3)
    .option('--weight-decay <w>', 'coupled L2 weight decay', number(0), 1e-5)
    .option('--smoothing <s>', 'label smoothing', number(0, 1), 0.1)
    .option('--seed <n>', 'seed of everything random', integer(0), 0)
    .option('--limit <n>', 'train on so many images only', integer(2))
    .option('--val-limit <n>', 'held-out images to evaluate on after each epoch; 0 for none', integer(0), 1000)
    .option('--json', 'print a JSON line for every step')
    .action(run);
