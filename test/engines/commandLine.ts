/** Runs the built command line on an engine: each command must succeed, report the engine, and exit by itself. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import type { EngineState } from '../../src/tfjs/node/engines.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { failed, type Row } from '../tfjs/cross/row.js';

const MAIN = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url));

/** Milliseconds: about ten times what the slowest command takes on SwiftShader. */
const TIMEOUT = 180_000;

interface Command {
  readonly args: readonly string[];
  /** What is wrong in its output, or null. */
  readonly findError: (stdout: string) => string | null;
}

const json = (stdout: string): unknown => JSON.parse(stdout);

/** Descriptions of devices that are not graphics processors: software adapters, unknown ones, and the CPU. */
const NO_HARDWARE = /\((software|unknown hardware)\)$|on this machine's processor$/;

function engineError(stdout: string, engine: string, isHardware: boolean): string | null {
  const state = (json(stdout) as EngineState[]).find((each) => each.engine === engine);
  if (state?.available !== true) return `not available: ${state?.reason ?? 'not listed'}`;
  if (state.isHardware !== isHardware) return `${state.device}, hardware: ${state.isHardware}`;
  return isHardware || NO_HARDWARE.test(state.device)
    ? null
    : `${state.device}, which does not say that it is not hardware`;
}

function backendError(stdout: string, backend: string): string | null {
  const { backend: actual } = json(stdout) as { backend: string };
  return actual === backend ? null : `backend ${actual}`;
}

/** @param isHardware as the engine reports it */
function commandsOf(engine: string, isHardware: boolean): Command[] {
  const backend = `tfjs:${engine}`;
  const [weights, train] = [
    ['--weights', 'train.safetensors', '--input', 'x.safetensors'],
    ['--size', '8', '--dims', '2,3', '--strides', '1', '--epochs', '2', '--decay-epochs', '1', '-b', '4'],
  ];
  return [
    { args: ['engines', '--json'], findError: (stdout) => engineError(stdout, engine, isHardware) },
    {
      args: ['run', ...weights, '-o', 'y.safetensors', '-b', backend, '--json'],
      findError: (stdout) => backendError(stdout, backend),
    },
    // auto: it probes a software adapter first, which must not keep the process alive.
    {
      args: ['run', ...weights, '-o', 'y.safetensors', '-b', 'tfjs', '--json'],
      findError: (stdout) => (isHardware ? backendError(stdout, backend) : null),
    },
    { args: ['diff', ...weights, '--backends', `reference,${backend}`], findError: () => null },
    {
      args: ['train', '--data', 'shapes', '--limit', '8', '--val-limit', '4', ...train, '--backend', backend],
      findError: (stdout) => (stdout.includes('last.safetensors') ? null : 'no weights'),
    },
  ];
}

function rowOf({ args, findError }: Command, cwd: string, env: NodeJS.ProcessEnv): Row {
  const check = `vanillanet ${args[0]}`;
  const all = args.join(' ');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    ...{ cwd, timeout: TIMEOUT, killSignal: 'SIGKILL', encoding: 'utf8', env: { ...process.env, ...env } },
  });
  if (status !== 0) return failed(check, all, `${signal ?? `exit status ${status}`}: ${stdout}${stderr}`);
  const error = findError(stdout);
  return error === null ? { check, network: all, worst: 0, ok: true, at: '' } : failed(check, all, error);
}

export async function commandLineRows(engine: string, isHardware: boolean, env: NodeJS.ProcessEnv): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vanillanet-engines-'));
  try {
    const config = drawnConfig('train', { lambda: 0.5 });
    await writeWeights(join(folder, 'train.safetensors'), drawnState(config), config);
    const x = drawnImages({ ...config, input_size: [18, 13] }, 2);
    writeFileSync(join(folder, 'x.safetensors'), encodeSafetensors(new Map([['x', x]])));
    return commandsOf(engine, isHardware).map((command) => rowOf(command, folder, env));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
