import stringWidth from 'string-width';

/** The columns that a text takes in a terminal: East Asian wide characters and emoji take two. */
export const displayWidth = (text: string): number => stringWidth(text);

const spaces = (text: string, width: number): string => ' '.repeat(Math.max(0, width - displayWidth(text)));

/** Spaces after a text, to a number of columns. */
export const padRight = (text: string, width: number): string => text + spaces(text, width);

/** Spaces before a text, to a number of columns. */
export const padLeft = (text: string, width: number): string => spaces(text, width) + text;
