import { listNames, type Recognition } from './recognize.js';

/** What a user should know of weights that were found: which they are, what was guessed, and what was left out. */
export const remarksOn = ({ source, isEma, guesses, unexpected }: Recognition): readonly string[] => [
  ...(isEma ? [`took ${source}, the exponential moving average`] : []),
  ...guesses.map((guess) => `guessed ${guess}`),
  ...(unexpected.length > 0 ? [`left out ${listNames(unexpected)}`] : []),
];
