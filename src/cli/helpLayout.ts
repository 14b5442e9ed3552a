/** Help texts that fit the terminal: in a narrow one, descriptions are below the options. */
import type { Command, Help } from 'commander';
import { wrapText } from './wrap.js';

/** Columns of the help text in a pipe or a file: one line an option. */
export const HELP_WIDTH = 110;

/** Fewer columns than this for the descriptions, and they are below the options. */
const LEAST = 36;
const [INDENT, DEEP_INDENT, GAP] = [2, 6, 2];

/** An option or argument, and its description. */
function formatItem(term: string, termWidth: number, description: string, helper: Help): string {
  const head = `${' '.repeat(INDENT)}${term}`;
  if (description === '') return head;
  const columns = helper.helpWidth ?? HELP_WIDTH;
  const beside = INDENT + termWidth + GAP;
  if (columns - beside >= LEAST) {
    const text = helper.boxWrap(description, columns - beside).replaceAll('\n', `\n${' '.repeat(beside)}`);
    return `${head.padEnd(beside)}${text}`;
  }
  const text = helper.boxWrap(description, columns - DEEP_INDENT).replaceAll('\n', `\n${' '.repeat(DEEP_INDENT)}`);
  return `${head}\n${' '.repeat(DEEP_INDENT)}${text}`;
}

const USAGE = 'Usage: ';

/** The usage behind its title. */
function styleUsage(this: Help, usage: string): string {
  return wrapText(`${USAGE}${usage}`, this.helpWidth ?? HELP_WIDTH, INDENT).slice(USAGE.length);
}

/** Sets the layout of a command and of the subcommands that inherit its settings. */
export const withHelpLayout = (command: Command): Command =>
  command.configureHelp({ formatItem, styleUsage, minWidthToWrap: 1 });

/** Adds text below the options. */
export const withClosingText = (command: Command, text: string): Command =>
  command.addHelpText('after', () => {
    const { getOutHelpWidth } = command.configureOutput() as { getOutHelpWidth: () => number };
    return `\n${wrapText(text, getOutHelpWidth(), 0)}`;
  });
