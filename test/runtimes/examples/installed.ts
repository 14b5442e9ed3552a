/** An example, by the commands of its README. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Consumer } from '../consumer.js';
import { copyOf } from './copy.js';
import { commandsOf, typed } from './readme.js';
import type { Server } from './serve.js';

/** What the shipped network takes the photograph for. */
export const LABEL = 'frog';

interface Installed {
  readonly copy: string;
  /** All but the first, which installed it. */
  readonly commands: readonly string[];
}

export async function installed(name: string, consumer: Consumer): Promise<Installed> {
  const [install, ...commands] = await commandsOf(join(ROOT, 'examples', name));
  // Beside the example, as in the clone.
  await copyFile(join(ROOT, 'examples/chelsea.png'), join(consumer.folder, 'chelsea.png'));
  return { copy: await copyOf(name, consumer, install), commands };
}

/** Builds an example whose last two commands start a server and ask it. */
export async function built({ copy, commands }: Installed): Promise<Server> {
  for (const build of commands.slice(0, -2)) await typed(build, copy);
  const [start, ask] = commands.slice(-2);
  return { start, ask, cwd: copy };
}
