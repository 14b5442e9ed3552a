/** Presets are literal tables with their sources; the large ones exceed WebAssembly's memory unless divided. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig, VARIANTS, type VariantName } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { officialRecipe, PRESETS, type Preset } from '../../src/train/presets.js';
import { resolveRecipe, type Recipe } from '../../src/train/recipe.js';
import { planTraining } from '../../src/wasm/training/layout.js';
import { refusal } from '../io/refusal.js';

/** Values that a preset does not use: its optimizer has no momentum of SGD, and its network starts from random weights. */
const UNUSED = { momentum: 0.9, nesterov: false, headLr: null, freeze: [] };

/** The listing of the article (PaddlePaddle), section 2.4 unless another is named. */
const ARTICLE: Recipe = {
  ...UNUSED,
  epochs: 50, // n_epochs = 50
  batchSize: 128, // 2.2: batch_size = 128, shuffle, drop_last
  gradAccumSteps: 1,
  optimizer: 'adam', // paddle.optimizer.Adam
  lr: 0.001, // learning_rate = 0.001
  minLr: 0, // CosineAnnealingDecay: eta_min = 0 by default
  warmupEpochs: 0,
  warmupLr: null,
  weightDecay: 0.00001, // weight_decay = 1e-5: a float is L2Decay in Paddle, added to the gradient
  decayVectors: true, // Paddle regularizes every parameter
  betas: [0.9, 0.999], // defaults of paddle.optimizer.Adam
  eps: 0.00000001,
  layerDecay: 1,
  decayEpochs: 20, // decay_epochs = 20
  lambdaSchedule: 'linear', // act_learn = epoch / decay_epochs
  lambdaPer: 'epoch', // model.change_act at the beginning of each epoch
  fuseAtDecay: false,
  loss: 'cross-entropy', // LabelSmoothingCrossEntropy
  smoothing: 0.1, // its default
  mixup: 0, // paddlex MixupImage returns a lone image unchanged
  cutmix: 0,
  mixupProb: 1,
  mixupSwitchProb: 0.5,
  ema: 0,
  runningVar: 'biased', // nn.BatchNorm2D of Paddle
  initTruncation: 'two-sigma', // nn.initializer.TruncatedNormal(std=.02) of Paddle before 2.6
  augment: {
    // 2.2: RandomResizedCrop(224, scale=(0.6, 1.0)); ratio is Paddle's default
    randomResizedCrop: { scale: [0.6, 1], ratio: [0.75, 1.3333333333333333] },
    colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 }, // 2.2: ColorJitter
    horizontalFlip: 0.5, // 2.2: RandomHorizontalFlip(0.5)
    rotation: 20, // 2.2: RandomRotation(20)
  },
  seed: 42, // paddle.seed(42)
};

/** ImageNet's statistics: 2.2 of the article; IMAGENET_DEFAULT_MEAN and _STD of timm in the official datasets.py. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The command for VanillaNet-5 in the README of the official repository ("README"), and its main.py ("main"). */
const OFFICIAL: Recipe = {
  ...UNUSED,
  epochs: 300, // README: --epochs 300
  batchSize: 1024, // README: 8 GPUs, --batch_size 128 --update_freq 1
  gradAccumSteps: 1,
  optimizer: 'lamb', // README: --opt lamb
  lr: 0.0035, // README: --lr 3.5e-3
  minLr: 0.000001, // main: --min_lr 1e-6
  warmupEpochs: 5, // main: --warmup_epochs 5
  warmupLr: 0, // utils.cosine_scheduler: start_warmup_value=0
  weightDecay: 0.35, // README: --weight_decay 0.35
  decayVectors: false, // optim_factory.get_parameter_groups
  betas: [0.9, 0.999], // timm's Lamb
  eps: 0.00000001, // main: --opt_eps 1e-8
  layerDecay: 1, // main: --layer_decay 1.0
  decayEpochs: 100, // README: --decay_epochs 100
  lambdaSchedule: 'linear', // main: --decay_linear true
  lambdaPer: 'epoch', // main: change_act at the beginning of each epoch
  fuseAtDecay: false,
  loss: 'bce', // README: --bce_loss
  smoothing: 0.1, // main: --smoothing 0.1
  mixup: 0.1, // README: --mixup 0.1
  cutmix: 1, // main: --cutmix 1.0
  mixupProb: 1, // main: --mixup_prob 1.0
  mixupSwitchProb: 0.5, // main: --mixup_switch_prob 0.5
  ema: 0.99996, // README: --model_ema_decay 0.99996
  runningVar: 'unbiased', // PyTorch
  initTruncation: 'absolute', // timm's trunc_normal_: a=-2, b=2
  augment: {
    // timm's create_transform: scale and ratio of RandomResizedCropAndInterpolation; main: --train_interpolation bicubic
    randomResizedCrop: { scale: [0.08, 1], ratio: [0.75, 1.3333333333333333], interpolation: 'bicubic' },
    horizontalFlip: 0.5, // timm's create_transform: hflip=0.5
    randAugment: { magnitude: 7, layers: 2, std: 0.5 }, // README: --aa rand-m7-mstd0.5-inc1; two layers are timm's default
    randomErasing: { prob: 0.25, mode: 'pixel' }, // main: --reprob 0.25 --remode pixel
  },
  seed: 0, // main: --seed 0
};

/** The run of the official train form in PyTorch that this package's trainer is compared with. */
const CIFAR: Recipe = {
  ...UNUSED,
  epochs: 18,
  batchSize: 128,
  gradAccumSteps: 1,
  optimizer: 'adamw',
  lr: 0.003,
  minLr: 0,
  warmupEpochs: 2,
  warmupLr: null,
  weightDecay: 0.05,
  decayVectors: false,
  betas: [0.9, 0.999],
  eps: 0.00000001,
  layerDecay: 1,
  decayEpochs: 6,
  lambdaSchedule: 'linear',
  lambdaPer: 'step',
  fuseAtDecay: false,
  loss: 'cross-entropy',
  smoothing: 0.1,
  mixup: 0,
  cutmix: 0,
  mixupProb: 1,
  mixupSwitchProb: 0.5,
  ema: 0,
  runningVar: 'unbiased',
  initTruncation: 'absolute',
  augment: { randomCrop: { padding: 4 }, horizontalFlip: 0.5 },
  seed: 0,
};

describe('presets', () => {
  test.each([
    ['article', ARTICLE],
    ['article-small', ARTICLE],
    ['official', OFFICIAL],
    ['cifar', CIFAR],
  ] as const)('%s has the values of its source', (name, recipe) => {
    expect(PRESETS[name].recipe).toEqual(recipe);
    expect(resolveRecipe(PRESETS[name].recipe)).toEqual(recipe);
  });

  test('have the networks of their sources', () => {
    expect(Object.keys(PRESETS)).toEqual(['article', 'article-small', 'cifar', 'official']);
    // 2.2: Resize((224, 224)) without a crop, bilinear by default.
    const whole = { crop_pct: 1, interpolation: 'bilinear' };
    expect(PRESETS.article.config).toEqual({ variant: 'vanillanet_5', input_size: 224, ...whole, ...IMAGENET });
    // README: --drop 0.05
    expect(PRESETS.official.config).toEqual({
      ...{ variant: 'vanillanet_5', input_size: 224, drop_rate: 0.05, ...IMAGENET },
      // datasets.build_transform: crop_pct 224/256, BICUBIC
      ...{ crop_pct: 0.875, interpolation: 'bicubic' },
    });
    expect(PRESETS['article-small'].config).toEqual({
      ...{ dims: [32, 64, 128, 256], strides: [2, 2, 2], input_size: 64, ...whole, ...IMAGENET },
    });
    expect(PRESETS.cifar.config).toEqual({
      ...{ dims: [64, 128, 256, 512], strides: [2, 2, 2], input_size: 32 },
      // Over the 50,000 training images of CIFAR-10.
      ...{ mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
    });
  });
});

describe('the official recipe', () => {
  /** README of the official repository: --lr, --weight_decay, --mixup, --layer_decay. */
  test.each([
    ['vanillanet_5', 0.0035, 0.35, 0.1, 1],
    ['vanillanet_6', 0.0048, 0.32, 0.15, 0.8],
    ['vanillanet_7', 0.0047, 0.35, 0.4, 0.8],
    ['vanillanet_8', 0.0035, 0.3, 0.4, 1],
    ['vanillanet_9', 0.0035, 0.3, 0.4, 1],
    ['vanillanet_10', 0.0035, 0.25, 0.4, 1],
  ] as const)('of %s', (variant, lr, weightDecay, mixup, layerDecay) => {
    const { recipe, source } = officialRecipe(variant);
    expect(recipe).toEqual({ ...OFFICIAL, lr, weightDecay, mixup, layerDecay });
    expect(source).toBe(variant);
  });

  test('of a variant without a published one is that of VanillaNet-10', () => {
    const deeper = (Object.keys(VARIANTS) as VariantName[]).slice(6);
    expect(deeper).toEqual([
      ...['vanillanet_11', 'vanillanet_12', 'vanillanet_13', 'vanillanet_13_x1_5', 'vanillanet_13_x1_5_ada_pool'],
    ]);
    for (const variant of deeper) {
      expect(officialRecipe(variant)).toEqual({ ...officialRecipe('vanillanet_10'), source: 'vanillanet_10' });
    }
  });
});

const CLASSES: Readonly<Record<Preset, number>> = { article: 10, 'article-small': 10, cifar: 10, official: 1000 };

/** Memory in bytes. */
function planned(preset: Preset, gradAccumSteps: number, threads: number): number {
  const { config, recipe } = PRESETS[preset];
  const network = resolveConfig({ ...config, num_classes: CLASSES[preset] });
  const { loss, ema, batchSize } = recipe;
  return planTraining(network, batchSize / gradAccumSteps, { threads, loss, ema: ema > 0, gradAccumSteps }).arena.end;
}

describe('memory', () => {
  test.each([
    ['cifar', 1],
    ['article-small', 1],
    ['article', 8],
    ['official', 64],
  ] as const)('%s fits in %d', (preset, gradAccumSteps) => {
    expect(planned(preset, gradAccumSteps, 16)).toBeLessThan(2 ** 32);
  });

  test.each(['article', 'official'] as const)('%s is refused whole with a hint at micro-batches', (preset) => {
    expect(() => planned(preset, 1, 1)).toThrow(refusal(ParamError, 'training', 'what fits into 4096 MiB', 'at least'));
    expect(() => planned(preset, 1, 1)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('--grad-accum-steps') as unknown }),
    );
  });
});
