/** The commands of the README: the Worker in development, asked for a photograph. */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Consumer } from '../../consumer.js';
import { LABEL } from '../installed.js';
import { commandsOf, typed } from '../readme.js';
import { withServer } from '../serve.js';

export async function checkDev(example: string, { folder }: Consumer): Promise<string> {
  await copyFile(join(ROOT, 'examples/chelsea.png'), join(folder, 'chelsea.png'));
  // What the first installs is there.
  const [, dev, ask] = await commandsOf(example);
  const server = { start: `${dev} -- --port "$PORT"`, ask, cwd: example };
  const answer = await withServer(server, (command) => typed(command, example));
  const { labels } = JSON.parse(answer) as { labels: readonly { label: string }[] };
  assert.equal(labels[0].label, LABEL);
  return `${dev}: ${LABEL}`;
}
