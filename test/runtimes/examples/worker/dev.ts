/** Runs the commands of the README: starts the Worker in development, and classifies a photograph. */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Consumer } from '../../consumer.js';
import { LABEL } from '../installExample.js';
import { commandsOf, runCommand } from '../readme.js';
import { withServer } from '../serve.js';

export async function checkDev(example: string, { folder }: Consumer): Promise<string> {
  await copyFile(join(ROOT, 'examples/chelsea.png'), join(folder, 'chelsea.png'));
  // The first command installs packages, which are already installed here.
  const [, dev, ask] = await commandsOf(example);
  const server = { start: `${dev} -- --port "$PORT"`, ask, cwd: example };
  const answer = await withServer(server, (command) => runCommand(command, example));
  const { labels } = JSON.parse(answer) as { labels: readonly { label: string }[] };
  assert.equal(labels[0].label, LABEL);
  return `${dev}: ${LABEL}`;
}
