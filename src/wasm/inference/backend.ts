import { checkOptions } from '../../core/check.js';
import type { ModelConfig } from '../../core/config.js';
import { checkStream, type WeightStream } from '../../core/weights.js';
import { checkBuild, type BuildChoice } from '../build.js';
import { INFERENCE } from '../module.js';
import { resolveInferenceBuild, sourceOf, threadedBytesOf } from './build.js';
import type { Layout } from './layout.js';
import { loadNetwork } from './network.js';
import {
  checkMemoryLimit,
  LoadedSession,
  planWithin,
  wasmBackendFrom,
  type WasmBackend,
  type WasmSession,
} from './session.js';
import { checkThreads, orSingleThread, Team, threadCount, type Threads } from '../team.js';

export interface WasmBackendOptions {
  /** Default `auto`: the relaxed build if the runtime has relaxed SIMD, else the plain build. */
  readonly build?: BuildChoice | undefined;
  /**
   * Default 1; `auto`: as many as the machine runs at the same time, which is also the most that any number gives. The
   * plain build computes the same bits with any number.
   */
  readonly threads?: Threads | undefined;
  /** The most bytes of linear memory that a network may need. Default 4 GiB, the limit of 32-bit addresses. */
  readonly memoryLimit?: number | undefined;
}

async function openOnTeam(
  team: Team,
  layout: Layout,
  weights: WeightStream,
  config: ModelConfig,
): Promise<WasmSession> {
  try {
    const network = await loadNetwork(team, config, layout, weights);
    await team.ready;
    return new LoadedSession(config, network);
  } catch (error) {
    team.stop();
    throw error;
  }
}

export const WASM_KEYS = ['build', 'threads', 'memoryLimit'] as const satisfies (keyof WasmBackendOptions)[];

/** Options with their defaults. */
type DefinedOptions = { readonly [K in 'build' | 'threads' | 'memoryLimit']: NonNullable<WasmBackendOptions[K]> };

/** Validates the options. @throws ParamError, BackendUnavailableError */
export function checkWasmOptions({ build = 'auto', threads = 1, memoryLimit = Infinity }: WasmBackendOptions): void {
  resolveInferenceBuild(build);
  threadCount(threads);
  checkMemoryLimit(memoryLimit);
}

/**
 * Creates a backend that runs VanillaNet's deploy form in WebAssembly SIMD. `open` throws a BackendUnavailableError if the
 * build does not run here.
 *
 * @throws ParamError for an invalid or unknown option
 */
export const createWasmBackend = (options: WasmBackendOptions = {}): WasmBackend => {
  const { build = 'auto', threads = 1, memoryLimit = Infinity } = checkOptions(options, WASM_KEYS);
  checkBuild(build);
  if (threads !== 'auto') checkThreads(threads);
  checkMemoryLimit(memoryLimit);
  return backendWith({ build, threads, memoryLimit });
};

const backendWith = ({ build, threads, memoryLimit }: DefinedOptions): WasmBackend => ({
  name: 'wasm',
  async open(weights, config) {
    checkStream(weights);
    const resolved = resolveInferenceBuild(build);
    const count = threadCount(threads);
    const alone = wasmBackendFrom(sourceOf(resolved), { memoryLimit });
    if (count === 1) return alone.open(weights, config);
    const layout = planWithin(config, count, memoryLimit);
    // Before the weights are read, so that threads start meanwhile.
    const { program, scratch, use } = layout;
    const open = async (): Promise<Team | null> =>
      Team.open(INFERENCE, threads, await threadedBytesOf(resolved), { memory: use.total, program, scratch });
    const team = await orSingleThread(threads, open, () => Promise.resolve(null));
    return team === null ? alone.open(weights, config) : openOnTeam(team, layout, weights, config);
  },
});

/** The backend with the fastest build that runs here, on one thread. */
export const wasmBackend: WasmBackend = createWasmBackend();
