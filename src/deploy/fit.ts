import { marginalCost, monthlyCost } from './cost.js';
import type { Target } from './target.js';

/** The size of shards in bytes: below the 25 MiB that platforms allow for a file or value. */
export const SHARD_BYTES = 24 * 2 ** 20;

export const shardsOf = (bytes: number): number => Math.ceil(bytes / SHARD_BYTES);

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MILLION = 1e6;

/** What a network needs, independent of the platform. */
export interface Need {
  /** Memory while it runs, without that of the runtime. */
  readonly memory_bytes: number;
  /** Size of the weight file. */
  readonly file_bytes: number;
  /** CPU time of an image. */
  readonly cpu_ms: number;
  /** Images a request. */
  readonly batch: number;
}

/** A need and its limit. */
interface Requirement {
  readonly needed: number;
  readonly limit: number | null;
  readonly fits: boolean;
}

export interface Fit {
  readonly fits: boolean;
  readonly memory_bytes: Requirement & {
    /** The memory size to configure; null where it cannot be chosen. */
    readonly chosen: number | null;
  };
  readonly weights_bytes: Requirement & {
    readonly where: 'assets' | 'code';
    readonly files: number;
  };
  /** CPU time of a request. It is longer if the chosen memory size has less than a whole processor. */
  readonly cpu_ms: Requirement;
  /** The price of a million images; null if no price is known, or no memory size is large enough. */
  readonly usd: {
    /** A million more, beyond those included in the plan. */
    readonly further_million: number;
    /** The only million of a month, with the plan's fee and included usage. */
    readonly first_million: number;
  } | null;
  readonly platform: Target;
}

const requirement = (needed: number, limit: number | null): Requirement => ({
  needed,
  limit,
  fits: limit === null || needed <= limit,
});

function weights({ asset_bytes, code_bytes }: Target, bytes: number): Fit['weights_bytes'] {
  if (asset_bytes === null) return { ...requirement(bytes, code_bytes), where: 'code', files: 1 };
  // Small files are not cut into shards.
  const files = bytes <= asset_bytes ? 1 : shardsOf(bytes);
  const fits = files === 1 || asset_bytes >= SHARD_BYTES;
  return { needed: bytes, limit: asset_bytes, fits, where: 'assets', files };
}

/** The least sufficient memory size in whole MiB, because the price grows with it; null if the largest is too small. */
function chooseMemory({ min_memory_bytes: least, memory_bytes: most }: Target, needed: number): number | null {
  const size = Math.max(least, MIB * Math.ceil(needed / MIB));
  return size <= most ? size : null;
}

/** Whether and at what price a network runs on a platform. */
export function fit(platform: Target, need: Need): Fit {
  const { price, whole_cpu_bytes } = platform;
  const isChosen = platform.min_memory_bytes > 0;
  const needed = need.memory_bytes + platform.runtime_bytes;
  const size = isChosen ? chooseMemory(platform, needed) : platform.memory_bytes;

  const share = whole_cpu_bytes === null || size === null ? 1 : Math.min(1, size / whole_cpu_bytes);
  const cpu_ms = (need.cpu_ms * need.batch) / share;
  const requests = MILLION / need.batch;
  const usage = {
    requests,
    cpu_ms: requests * need.cpu_ms * need.batch,
    gb_seconds: (requests * Math.ceil(cpu_ms) * (size ?? 0)) / 1000 / GIB,
  };

  const memory = { ...requirement(needed, platform.memory_bytes), chosen: isChosen ? size : null };
  const file = weights(platform, need.file_bytes);
  const cpu = requirement(cpu_ms, platform.cpu_ms);
  return {
    fits: platform.webassembly && memory.fits && file.fits && cpu.fits,
    memory_bytes: memory,
    weights_bytes: file,
    cpu_ms: cpu,
    usd:
      price === null || size === null
        ? null
        : { further_million: marginalCost(price, usage), first_million: monthlyCost(price, usage) },
    platform,
  };
}
