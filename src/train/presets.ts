/** Complete recipes by name, each with the network that it is for. */
import type { Interpolation, VariantName } from '../core/config.js';
import { DEFAULT_RECIPE, type Recipe } from './recipe.js';

/** The network and input of a preset: keys of a configuration. */
export interface PresetConfig {
  readonly variant?: string;
  readonly dims?: readonly number[];
  readonly strides?: readonly number[];
  readonly drop_rate?: number;
  readonly input_size: number;
  readonly crop_pct?: number;
  readonly interpolation?: Interpolation;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** Mean and standard deviation of each channel over CIFAR-10's training images. */
export const CIFAR10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };

/** The article's recipe. Sources: its listing, and the defaults of Paddle 2.4, with which it was written. */
const ARTICLE: Recipe = {
  ...DEFAULT_RECIPE,
  epochs: 50,
  batchSize: 128,
  lr: 1e-3,
  weightDecay: 1e-5,
  decayEpochs: 20,
  lambdaPer: 'epoch',
  smoothing: 0.1,
  runningVar: 'biased',
  initTruncation: 'two-sigma',
  augment: {
    randomResizedCrop: { scale: [0.6, 1], ratio: [3 / 4, 4 / 3] },
    colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
    horizontalFlip: 0.5,
    rotation: 20,
  },
  seed: 42,
};

/**
 * The recipe of VanillaNet-5 on ImageNet. Sources: the README of the official repository for batch size, epochs, λ,
 * LAMB, learning rate, weight decay, mixup, loss, dropout, RandAugment and EMA; the defaults of its main.py for the
 * warm-up from 0 (`np.linspace`), minLr, smoothing, CutMix, erasing and bicubic crops; timm's `create_transform`, which
 * it calls, for scale, ratio and flip, and for crop_pct in validation.
 */
const OFFICIAL: Recipe = {
  ...DEFAULT_RECIPE,
  epochs: 300,
  batchSize: 1024,
  optimizer: 'lamb',
  lr: 3.5e-3,
  minLr: 1e-6,
  warmupEpochs: 5,
  warmupLr: 0,
  weightDecay: 0.35,
  decayVectors: false,
  decayEpochs: 100,
  lambdaPer: 'epoch',
  loss: 'bce',
  mixup: 0.1,
  cutmix: 1,
  ema: 0.99996,
  augment: {
    randomResizedCrop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bicubic' },
    horizontalFlip: 0.5,
    randAugment: { magnitude: 7, layers: 2, std: 0.5 },
    randomErasing: { prob: 0.25, mode: 'pixel' },
  },
};

export const PRESETS = {
  /** CIFAR-10 scaled to 224x224, as in the article. Takes weeks on a CPU. */
  article: {
    config: { variant: 'vanillanet_5', input_size: 224, crop_pct: 1, interpolation: 'bilinear', ...IMAGENET },
    recipe: ARTICLE,
  },
  /** The article's recipe for a narrow network at 64x64. Takes less than an hour on two cores. */
  'article-small': {
    config: {
      dims: [32, 64, 128, 256],
      strides: [2, 2, 2],
      input_size: 64,
      crop_pct: 1,
      interpolation: 'bilinear',
      ...IMAGENET,
    },
    recipe: ARTICLE,
  },
  /** CIFAR-10 at 32x32. Takes minutes on a CPU. */
  cifar: {
    config: {
      dims: [64, 128, 256, 512],
      strides: [2, 2, 2],
      input_size: 32,
      ...CIFAR10,
    },
    recipe: {
      ...DEFAULT_RECIPE,
      epochs: 18,
      batchSize: 128,
      optimizer: 'adamw',
      weightDecay: 0.05,
      decayVectors: false,
      warmupEpochs: 2,
      decayEpochs: 6,
      augment: { randomCrop: { padding: 4 }, horizontalFlip: 0.5 },
    },
  },
  /** ImageNet as the authors trained it; see `officialRecipe` for each variant. Not feasible on a CPU. */
  official: {
    config: {
      ...{ variant: 'vanillanet_5', drop_rate: 0.05 },
      ...{ input_size: 224, crop_pct: 0.875, interpolation: 'bicubic', ...IMAGENET },
    },
    recipe: OFFICIAL,
  },
} as const satisfies Record<string, { config: PresetConfig; recipe: Recipe }>;

export type Preset = keyof typeof PRESETS;

/** What differs between the published commands, in the README of the official repository. */
const OFFICIAL_VARIANTS = {
  vanillanet_5: { lr: 3.5e-3, weightDecay: 0.35, mixup: 0.1, layerDecay: 1 },
  vanillanet_6: { lr: 4.8e-3, weightDecay: 0.32, mixup: 0.15, layerDecay: 0.8 },
  vanillanet_7: { lr: 4.7e-3, weightDecay: 0.35, mixup: 0.4, layerDecay: 0.8 },
  vanillanet_8: { lr: 3.5e-3, weightDecay: 0.3, mixup: 0.4, layerDecay: 1 },
  vanillanet_9: { lr: 3.5e-3, weightDecay: 0.3, mixup: 0.4, layerDecay: 1 },
  vanillanet_10: { lr: 3.5e-3, weightDecay: 0.25, mixup: 0.4, layerDecay: 1 },
} as const satisfies Partial<Record<VariantName, Partial<Recipe>>>;

/** The deepest network with a published recipe: the nearest to those without one. */
const LAST_PUBLISHED = 'vanillanet_10';

/**
 * The recipe of a variant in the official repository. For VanillaNet-11 to 13 none was published: they get that of
 * VanillaNet-10.
 *
 * @returns the recipe, and the variant whose recipe it is
 */
export function officialRecipe(variant: VariantName): { readonly recipe: Recipe; readonly source: VariantName } {
  const source = variant in OFFICIAL_VARIANTS ? (variant as keyof typeof OFFICIAL_VARIANTS) : LAST_PUBLISHED;
  return { recipe: { ...OFFICIAL, ...OFFICIAL_VARIANTS[source] }, source };
}
