import type { ModelConfig } from '../../core/config.js';
import type { WeightStream } from '../../core/weights.js';
import type { BuildChoice } from '../build.js';
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
import { canBlock, openTeam, orSingleThread, threadCount, type Team, type Threads } from '../team.js';

export interface WasmBackendOptions {
  /** `auto`, the default: relaxed where it runs, plain elsewhere. */
  readonly build?: BuildChoice | undefined;
  /** 1 where it is not given; `auto` is as many as run at once. The plain build's answers do not depend on it. */
  readonly threads?: Threads | undefined;
  /** Bytes of linear memory that a network may need; without one, what 32-bit addresses reach. */
  readonly memoryLimit?: number | undefined;
}

async function openOnTeam(
  team: Team,
  layout: Layout,
  weights: WeightStream,
  config: ModelConfig,
): Promise<WasmSession> {
  try {
    const network = await loadNetwork(team.kernels, config, layout, weights, canBlock());
    await team.ready;
    return new LoadedSession(config, team.kernels, network, team.size);
  } catch (error) {
    team.stop();
    throw error;
  }
}

/** What a session is refused for, whatever it is opened with. @throws ParamError, BackendUnavailableError */
export function checkWasmOptions({ build = 'auto', threads = 1, memoryLimit = Infinity }: WasmBackendOptions): void {
  resolveInferenceBuild(build);
  threadCount(threads);
  checkMemoryLimit(memoryLimit);
}

/**
 * VanillaNet's deploy form in WebAssembly SIMD.
 * Opening a session where the build does not run is a BackendUnavailableError.
 */
export const createWasmBackend = ({
  build = 'auto',
  threads = 1,
  memoryLimit = Infinity,
}: WasmBackendOptions = {}): WasmBackend => ({
  name: 'wasm',
  async open(weights, config) {
    const resolved = resolveInferenceBuild(build);
    const count = threadCount(threads);
    const alone = wasmBackendFrom(sourceOf(resolved), { memoryLimit });
    if (count === 1) return alone.open(weights, config);
    const layout = planWithin(config, count, memoryLimit);
    // The threads before the weights: they take their time, too.
    const { program, scratch, use } = layout;
    const open = async (): Promise<Team | null> =>
      openTeam(INFERENCE, threads, await threadedBytesOf(resolved), { memory: use.total, program, scratch });
    const team = await orSingleThread(threads, open, () => Promise.resolve(null));
    return team === null ? alone.open(weights, config) : openOnTeam(team, layout, weights, config);
  },
});

/** The fastest build that runs here, on one thread. */
export const wasmBackend: WasmBackend = createWasmBackend();
