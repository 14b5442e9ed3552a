/** Installs and builds an example with the commands of its README. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Consumer } from '../consumer.js';
import { copyOf } from './copy.js';
import { commandsOf, runCommand } from './readme.js';
import type { Server } from './serve.js';

/** The shipped network's prediction for the photograph. */
export const LABEL = 'frog';

interface InstalledExample {
  readonly copy: string;
  /** The commands after the first one, which installs the packages. */
  readonly commands: readonly string[];
}

export async function installExample(name: string, consumer: Consumer): Promise<InstalledExample> {
  const [install, ...commands] = await commandsOf(join(ROOT, 'examples', name));
  // Next to the example's folder, as in the repository.
  await copyFile(join(ROOT, 'examples/chelsea.png'), join(consumer.folder, 'chelsea.png'));
  return { copy: await copyOf(name, consumer, install), commands };
}

/** Builds an example whose last two commands start a server and send a request. */
export async function buildExample({ copy, commands }: InstalledExample): Promise<Server> {
  for (const build of commands.slice(0, -2)) await runCommand(build, copy);
  const [start, ask] = commands.slice(-2);
  return { start, ask, cwd: copy };
}
