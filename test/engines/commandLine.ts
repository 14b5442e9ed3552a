/** The built command line on an engine, as its users start it: it does what it is told, says on what, and ends by itself. */
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

/** Of the slowest of them, on SwiftShader, some ten times. */
const PATIENCE = 180_000;

interface Command {
  readonly args: readonly string[];
  /** What is wrong with what it printed, or null. */
  readonly wrong: (stdout: string) => string | null;
}

const json = (stdout: string): unknown => JSON.parse(stdout);

/** How what is no graphics processor is called: an adapter in software or one that nobody knows, or a processor. */
const NO_HARDWARE = /\((software|whose hardware nobody knows)\)$|on this machine's processor$/;

function wrongEngines(stdout: string, engine: string, isHardware: boolean): string | null {
  const found = (json(stdout) as EngineState[]).find((state) => state.engine === engine);
  if (found?.available !== true) return `not there: ${found?.reason ?? 'not listed'}`;
  if (found.isHardware !== isHardware) return `${found.device}, hardware: ${found.isHardware}`;
  return isHardware || NO_HARDWARE.test(found.device) ? null : `${found.device}, which does not say that it is none`;
}

function wrongBackend(stdout: string, backend: string): string | null {
  const { backend: by } = json(stdout) as { backend: string };
  return by === backend ? null : `by ${by}`;
}

/** @param isHardware what the engine says of itself */
function commandsOf(engine: string, isHardware: boolean): Command[] {
  const backend = `tfjs:${engine}`;
  const [weights, train] = [
    ['--weights', 'train.safetensors', '--input', 'x.safetensors'],
    ['--size', '8', '--dims', '2,3', '--strides', '1', '--epochs', '2', '--decay-epochs', '1', '-b', '4'],
  ];
  return [
    { args: ['engines', '--json'], wrong: (stdout) => wrongEngines(stdout, engine, isHardware) },
    {
      args: ['run', ...weights, '-o', 'y.safetensors', '-b', backend, '--json'],
      wrong: (stdout) => wrongBackend(stdout, backend),
    },
    // The first that is worth it: past one in software, which must not keep the process alive.
    {
      args: ['run', ...weights, '-o', 'y.safetensors', '-b', 'tfjs', '--json'],
      wrong: (stdout) => (isHardware ? wrongBackend(stdout, backend) : null),
    },
    { args: ['diff', ...weights, '--backends', `reference,${backend}`], wrong: () => null },
    {
      args: ['train', '--data', 'shapes', '--limit', '8', '--val-limit', '4', ...train, '--backend', backend],
      wrong: (stdout) => (stdout.includes('last.safetensors') ? null : 'no weights'),
    },
  ];
}

function rowOf({ args, wrong }: Command, cwd: string, env: NodeJS.ProcessEnv): Row {
  const check = `vanillanet ${args[0]}`;
  const all = args.join(' ');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    ...{ cwd, timeout: PATIENCE, killSignal: 'SIGKILL', encoding: 'utf8', env: { ...process.env, ...env } },
  });
  if (status !== 0) return failed(check, all, `${signal ?? `exit status ${status}`}: ${stdout}${stderr}`);
  const found = wrong(stdout);
  return found === null ? { check, network: all, worst: 0, ok: true, at: '' } : failed(check, all, found);
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
