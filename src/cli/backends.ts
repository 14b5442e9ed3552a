import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Backend } from '../core/backend.js';
import { referenceBackend } from '../oracle/backend.js';
import { createWasmBackend, wasmBackend } from '../wasm/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import type { Threads } from '../wasm/team.js';
import { integer } from './arguments.js';

export const BUILDS: readonly BuildChoice[] = ['auto', 'plain', 'relaxed'];

export interface BackendOptions {
  readonly backend: string;
  readonly threads: Threads;
  readonly build: BuildChoice;
}

/** `auto`, or a count. */
export function threads(text: string): Threads {
  if (text === 'auto') return text;
  try {
    return integer(1)(text);
  } catch {
    throw new InvalidArgumentError("Expected an integer >= 1, or 'auto'.");
  }
}

export const buildOption = (): Option =>
  new Option('--build <build>', "WebAssembly's build: plain gives the same bits on every machine")
    .choices(BUILDS)
    .default('auto');

/** What computes the network, and how; WebAssembly on every core where nothing is given. */
export const withBackend = (command: Command): Command =>
  command
    .addOption(
      new Option('-b, --backend <name>', 'what computes the network')
        .choices([wasmBackend.name, referenceBackend.name])
        .default(wasmBackend.name),
    )
    .option('--threads <n>', "WebAssembly's threads, or 'auto' for one a core", threads, 'auto')
    .addOption(buildOption());

export const backendOf = ({ backend, ...engine }: BackendOptions): Backend =>
  backend === referenceBackend.name ? referenceBackend : createWasmBackend(engine);
