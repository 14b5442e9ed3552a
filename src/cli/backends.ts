import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Backend } from '../core/backend.js';
import { referenceBackend } from '../oracle/backend.js';
import { createWasmBackend, wasmBackend } from '../wasm/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { MOST_THREADS, type Threads } from '../wasm/team.js';

export const BUILDS: readonly BuildChoice[] = ['auto', 'plain', 'relaxed'];

export interface BackendOptions {
  readonly backend: string;
  readonly threads: Threads;
  readonly build: BuildChoice;
}

/** `auto`, or a count. */
export function threads(text: string): Threads {
  const count = Number(text);
  if (text === 'auto') return text;
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_THREADS) return count;
  throw new InvalidArgumentError(`Expected an integer from 1 to ${MOST_THREADS}, or 'auto'.`);
}

export const buildOption = (): Option =>
  new Option('--build <build>', "WebAssembly's build: plain gives the same bits on every machine")
    .choices(BUILDS)
    .default('auto');

/** What computes the network, and how; WebAssembly on every core where nothing is given. */
export const withBackend = (command: Command, flags = '-b, --backend <name>'): Command =>
  command
    .addOption(
      new Option(flags, 'what computes the network')
        .choices([wasmBackend.name, referenceBackend.name])
        .default(wasmBackend.name),
    )
    .option('--threads <n>', "WebAssembly's threads, or 'auto' for one a core", threads, 'auto')
    .addOption(buildOption());

export const backendOf = ({ backend, ...engine }: BackendOptions): Backend =>
  backend === referenceBackend.name ? referenceBackend : createWasmBackend(engine);
