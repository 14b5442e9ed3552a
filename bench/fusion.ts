/** Fusion at full width, as `vanillanet fuse` does it: 1000 classes, compared and bounded on two images of 224x224. */
import { resolveConfig, type VariantName } from '../src/core/config.js';
import { table } from '../src/cli/print.js';
import { fuseState } from '../src/oracle/fuse.js';
import { initialState } from '../src/train/initialState.js';

export interface FusionRow {
  readonly variant: VariantName;
  /** Of the processor, for one fusion; it runs on one thread. */
  readonly cpuSeconds: number;
  /** The peak of the process, weights included, when this variant was fused; the smaller ones come first. */
  readonly peakMiB: number;
}

/** Fuses drawn weights, which take as long as trained ones. */
export function benchFusion(variants: readonly VariantName[], log: (line: string) => void): FusionRow[] {
  return variants.map((variant) => {
    log(`fusion: ${variant}`);
    const config = resolveConfig({ variant, lambda: 1 });
    const state = initialState(config, 1);
    const before = process.cpuUsage();
    fuseState(state, config);
    const { user, system } = process.cpuUsage(before);
    return { variant, cpuSeconds: (user + system) / 1e6, peakMiB: process.resourceUsage().maxRSS / 1024 };
  });
}

export const formatFusion = (rows: readonly FusionRow[]): string =>
  table([
    ['fusion', 'CPU s', 'peak MiB'],
    ...rows.map(({ variant, cpuSeconds, peakMiB }) => [variant, Math.round(cpuSeconds), Math.round(peakMiB)]),
  ]);
