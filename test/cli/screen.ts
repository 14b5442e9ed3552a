import { Writable } from 'node:stream';
import { main } from '../../src/cli/program.js';

/** A stream that records its output; with columns, a terminal. */
export class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;

  constructor(readonly columns?: number) {
    super();
    this.isTTY = columns !== undefined;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** The text without cursor movements and colors. */
// eslint-disable-next-line no-control-regex -- the escape character starts the sequences
export const plain = (text: string): string => text.replace(/\x1b(\[[\d;?]*[A-Za-z]|[78])/g, '');

/** Runs a command in this process with streams of a width; of no width, they are no terminals. */
export async function onScreen(
  columns: number | undefined,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const screens = { stdout: new Screen(columns), stderr: new Screen(columns) };
  const names = ['stdout', 'stderr'] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(process, name) as PropertyDescriptor);
  for (const name of names) Object.defineProperty(process, name, { value: screens[name], configurable: true });
  try {
    await main(['node', 'vanillanet', ...args]);
  } finally {
    names.forEach((name, i) => Object.defineProperty(process, name, before[i]));
    process.exitCode = undefined;
  }
  // A bar returns to the start of its line.
  const text = (name: 'stdout' | 'stderr'): string => plain(screens[name].text.replaceAll('\x1b[1G', '\r'));
  return { stdout: text('stdout'), stderr: text('stderr') };
}
