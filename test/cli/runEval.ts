/** `eval` in this process, and what it prints. */
import { jest } from '@jest/globals';
import { evalCommand } from '../../src/cli/eval.js';

export async function runEval(...argv: string[]): Promise<string> {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await evalCommand().exitOverride().parseAsync(argv, { from: 'user' });
  } finally {
    jest.restoreAllMocks();
  }
  return text;
}
