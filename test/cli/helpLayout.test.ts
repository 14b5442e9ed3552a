/** The layout of help texts in terminals of any width. */
import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { withClosingText, withHelpLayout } from '../../src/cli/helpLayout.js';

/** The help of a command with one option of 12 columns, `-h, --help`, and one without a description. */
function linesOf(columns: number): string[] {
  const command = withHelpLayout(new Command('tool'))
    .configureOutput({ getOutHelpWidth: () => columns })
    .option('--rate <lr>', 'learning rate of the first step, which later steps lower')
    .option('--quiet');
  return command.helpInformation().split('\n');
}

/** INDENT, the widest term, GAP. */
const BESIDE = 2 + '--rate <lr>'.length + 2;

describe('descriptions', () => {
  test('are beside the options if there is room, and continue in their column', () => {
    const at = (columns: number) => linesOf(columns).filter((line) => line.includes('rate') || /^ {15}\S/.test(line));
    expect(at(100)).toEqual(['  --rate <lr>  learning rate of the first step, which later steps lower']);
    const narrow = at(BESIDE + 36);
    expect(narrow).toEqual([
      '  --rate <lr>  learning rate of the first step,',
      `${' '.repeat(BESIDE)}which later steps lower`,
    ]);
    expect(narrow.every((line) => line.length <= BESIDE + 36)).toBe(true);
  });

  test('are below the options, indented, if fewer than 36 columns are left', () => {
    const lines = linesOf(BESIDE + 35);
    const option = lines.indexOf('  --rate <lr>');
    expect(lines.slice(option, option + 3)).toEqual([
      '  --rate <lr>',
      '      learning rate of the first step, which later',
      '      steps lower',
    ]);
  });

  test('may be missing', () => {
    expect(linesOf(100)).toContain('  --quiet');
    expect(linesOf(30)).toContain('  --quiet');
  });
});

test('the text below the options is wrapped to the width of the help', () => {
  let text = '';
  const command = withClosingText(
    new Command('tool').configureOutput({
      getOutHelpWidth: () => 20,
      writeOut: (part) => {
        text += part;
      },
    }),
    'Folders are searched one by one.',
  );
  command.outputHelp();
  expect(text).toMatch(/\n\nFolders are searched\none by one\.\n?$/);
});
