/** Whole recipes by name, and the networks that they are for. */
import { DEFAULT_RECIPE, type Recipe } from './recipe.js';

/** Network and input as a preset has them: keys of a configuration. */
export interface PresetConfig {
  readonly variant?: string;
  readonly dims?: readonly number[];
  readonly strides?: readonly number[];
  readonly drop_rate?: number;
  readonly input_size: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** Per-channel mean and deviation of CIFAR-10's training images. */
export const CIFAR10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };

export const PRESETS = {
  /** CIFAR-10 at ImageNet's size, as the article trains: days on a CPU. */
  article: {
    config: { variant: 'vanillanet_5', input_size: 224, ...IMAGENET },
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
  /** CIFAR-10 at its own size: minutes. */
  cifar: {
    config: { dims: [64, 128, 256, 512], strides: [2, 2, 2], input_size: 32, ...CIFAR10 },
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
   * VanillaNet-5 on ImageNet as its authors trained it: for machines that are not a CPU.
   * Their README has batch, epochs, λ, LAMB, lr, decay, mixup, loss, dropout and average.
   * The defaults of their main.py are the rest: the warm-up from a step at 0 (`np.linspace`),
   * minLr, smoothing, CutMix, erasing and bicubic crops. Scale, ratio and mirroring are
   * timm's `create_transform`, which they call.
   */
  official: {
    config: { variant: 'vanillanet_5', input_size: 224, drop_rate: 0.05, ...IMAGENET },
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
