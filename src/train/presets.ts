/** Complete recipes by name, each with the network that it is for. */
import type { Interpolation } from '../core/config.js';
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

export const PRESETS = {
  /** CIFAR-10 scaled to 224x224, as in the article. Takes days on a CPU. */
  article: {
    config: { variant: 'vanillanet_5', input_size: 224, crop_pct: 1, interpolation: 'bilinear', ...IMAGENET },
    recipe: {
      ...DEFAULT_RECIPE,
      epochs: 50,
      batchSize: 128,
      lr: 1e-3,
      decayEpochs: 20,
      lambdaPer: 'epoch',
      augment: {
        randomResizedCrop: { scale: [0.6, 1], ratio: [3 / 4, 4 / 3] },
        colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
        horizontalFlip: 0.5,
        rotation: 20,
      },
      seed: 42,
    },
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
  /**
   * VanillaNet-5 on ImageNet as its authors trained it. Not feasible on a CPU.
   * Sources: their README for batch size, epochs, λ, LAMB, learning rate, weight decay, mixup, loss, dropout and EMA;
   * the defaults of their main.py for the warm-up from 0 (`np.linspace`), minLr, smoothing, CutMix, erasing and bicubic
   * crops; timm's `create_transform`, which they call, for scale, ratio and flip, and for crop_pct in validation.
   */
  official: {
    config: {
      ...{ variant: 'vanillanet_5', drop_rate: 0.05 },
      ...{ input_size: 224, crop_pct: 0.875, interpolation: 'bicubic', ...IMAGENET },
    },
    recipe: {
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
    },
  },
} as const satisfies Record<string, { config: PresetConfig; recipe: Recipe }>;

export type Preset = keyof typeof PRESETS;
