import { marginalCost, monthlyCost } from './cost.js';
import type { Target } from './target.js';

/** The largest part that weights are cut into: below the 25 MiB that platforms allow a file or value. */
export const SHARD_BYTES = 24 * 2 ** 20;

export const shardsOf = (bytes: number): number => Math.ceil(bytes / SHARD_BYTES);

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MILLION = 1e6;

/** What a network needs wherever it runs. */
export interface Need {
  /** While it runs, without the runtime. */
  readonly memory_bytes: number;
  /** Of the weight file. */
  readonly file_bytes: number;
  /** Of an image. */
  readonly cpu_ms: number;
  /** Images a request. */
  readonly batch: number;
}

/** A need beside its limit. */
interface Held {
  readonly needed: number;
  readonly limit: number | null;
  readonly fits: boolean;
}

export interface Fit {
  readonly fits: boolean;
  readonly memory_bytes: Held & {
    /** What one would choose, where one chooses. */
    readonly chosen: number | null;
  };
  readonly weights_bytes: Held & {
    readonly where: 'assets' | 'code';
    readonly files: number;
  };
  /** Of a request: longer where the memory that is chosen has less than a whole processor. */
  readonly cpu_ms: Held;
  /** Of a million images. Null where no price is known, or no memory is large enough. */
  readonly usd: {
    /** One more, beyond what is included. */
    readonly further_million: number;
    /** The only one of a month, with what the plan costs and includes. */
    readonly first_million: number;
  } | null;
  readonly platform: Target;
}

const held = (needed: number, limit: number | null): Held => ({
  needed,
  limit,
  fits: limit === null || needed <= limit,
});

function weights({ asset_bytes, code_bytes }: Target, bytes: number): Fit['weights_bytes'] {
  if (asset_bytes === null) return { ...held(bytes, code_bytes), where: 'code', files: 1 };
  // A file that is small enough is not cut.
  const files = bytes <= asset_bytes ? 1 : shardsOf(bytes);
  const fits = files === 1 || asset_bytes >= SHARD_BYTES;
  return { needed: bytes, limit: asset_bytes, fits, where: 'assets', files };
}

/** The least memory that is enough: it is paid for by its size, in whole MiB. */
function chosen({ min_memory_bytes: least, memory_bytes: most }: Target, needed: number): number | null {
  const size = Math.max(least, MIB * Math.ceil(needed / MIB));
  return size <= most ? size : null;
}

export function fit(platform: Target, need: Need): Fit {
  const { price, whole_cpu_bytes } = platform;
  const chooses = platform.min_memory_bytes > 0;
  const needed = need.memory_bytes + platform.runtime_bytes;
  const size = chooses ? chosen(platform, needed) : platform.memory_bytes;

  const share = whole_cpu_bytes === null || size === null ? 1 : Math.min(1, size / whole_cpu_bytes);
  const cpu_ms = (need.cpu_ms * need.batch) / share;
  const requests = MILLION / need.batch;
  const usage = {
    requests,
    cpu_ms: requests * need.cpu_ms * need.batch,
    gb_seconds: (requests * Math.ceil(cpu_ms) * (size ?? 0)) / 1000 / GIB,
  };

  const memory = { ...held(needed, platform.memory_bytes), chosen: chooses ? size : null };
  const file = weights(platform, need.file_bytes);
  const cpu = held(cpu_ms, platform.cpu_ms);
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
