/** Where a text is not JSON: the messages of engines differ, and some have no position. */
import { show } from './check.js';

/** What is wrong with a text. */
export interface JsonFault {
  /** Index of the first character that does not fit; the length of the text if it is cut short. */
  readonly at: number;
  /** What JSON has there, in words. */
  readonly expected: string;
}

const SPACE = /[\t\n\r ]/;
/** Numbers and words end before these. */
const END = /[\t\n\r ,:[\]{}"]/;
const LITERAL = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
/** Longer literals are numbers: their digits are not checked. */
const LONGEST = 1000;
const ESCAPE = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/;
/** Characters of the longest escape. */
const ESCAPE_LENGTH = 6;

/** Whether a literal that the end of the text cuts may go on. */
const isBeginning = (word: string): boolean =>
  ['true', 'false', 'null'].some((each) => each.startsWith(word)) || /^-?(\d+(\.|(\.\d+)?[eE][+-]?))?$/.test(word);

class Scanner {
  #at = 0;

  constructor(private readonly text: string) {}

  /** The character at the position after white space; '' at the end. */
  #next(): string {
    while (SPACE.test(this.text.charAt(this.#at))) this.#at++;
    return this.text.charAt(this.#at);
  }

  #fault(expected: string, at = this.#at): JsonFault {
    return { at, expected };
  }

  #string(): JsonFault | null {
    const { text } = this;
    for (let at = this.#at + 1; at < text.length; at++) {
      const char = text[at];
      if (char === '"') {
        this.#at = at + 1;
        return null;
      }
      if (char < ' ') return this.#fault('no line end or other control character in a string', at);
      if (char !== '\\') continue;
      const escape = ESCAPE.exec(text.slice(at, at + ESCAPE_LENGTH))?.[0];
      if (escape === undefined) {
        return at + ESCAPE_LENGTH > text.length && !text.includes('"', at)
          ? this.#fault('the end of a string', text.length)
          : this.#fault('an escape such as \\n or \\u0041', at);
      }
      at += escape.length - 1;
    }
    return this.#fault('the end of a string', text.length);
  }

  #literal(): JsonFault | null {
    const start = this.#at;
    let end = start;
    while (end < this.text.length && !END.test(this.text[end])) end++;
    this.#at = end;
    const word = this.text.slice(start, Math.min(end, start + LONGEST + 1));
    if (word.length > LONGEST ? /^[-\d]/.test(word) : LITERAL.test(word)) return null;
    return this.#fault('a value', end === this.text.length && isBeginning(word) ? end : start);
  }

  /** The first fault in the whole text. */
  scan(): JsonFault | null {
    const { text } = this;
    /** The brackets that are open, by the character that closes them. */
    const open: string[] = [];
    let expected: 'value' | 'first value' | 'key' | 'first key' | 'separator' = 'value';
    for (;;) {
      const char = this.#next();
      const close: string | undefined = open[open.length - 1];
      if (expected === 'separator') {
        if (open.length === 0) return char === '' ? null : this.#fault('the end');
        if (char !== ',' && char !== close) return this.#fault(`',' or '${close}'`);
        this.#at++;
        if (char === ',') expected = close === '}' ? 'key' : 'value';
        else open.pop();
      } else if (char !== '' && char === close && expected.startsWith('first')) {
        this.#at++;
        open.pop();
        expected = 'separator';
      } else if (expected === 'key' || expected === 'first key') {
        if (char !== '"') return this.#fault(`a key in double quotes${expected === 'key' ? '' : " or '}'"}`);
        const fault = this.#string();
        if (fault !== null) return fault;
        if (this.#next() !== ':') return this.#fault("':'");
        this.#at++;
        expected = 'value';
      } else if (char === '{' || char === '[') {
        this.#at++;
        open.push(char === '{' ? '}' : ']');
        expected = char === '{' ? 'first key' : 'first value';
      } else {
        if (char === '') return this.#fault('a value', text.length);
        const fault = char === '"' ? this.#string() : this.#literal();
        if (fault !== null) return fault;
        expected = 'separator';
      }
    }
  }
}

/** The first fault of a text that is no JSON, which must not be nested deeply; null if there is none. */
export const jsonFault = (text: string): JsonFault | null => new Scanner(text).scan();

/** Characters of a damaged text that an error shows. */
const SHOWN = 20;

/** `line 1, column 1` for the first character. */
function placeOf(text: string, at: number): string {
  let [line, start] = [1, 0];
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) [line, start] = [line + 1, i + 1];
  return `line ${line}, column ${at - start + 1}`;
}

/** Where a text is not JSON, in words, and what to do; null if no fault is found. */
export function describeFault(text: string): { readonly got: string; readonly hint: string } | null {
  const fault = jsonFault(text);
  if (fault === null) return null;
  const { at, expected } = fault;
  const place = placeOf(text, at);
  if (at >= text.length) {
    const hint = 'The text is cut short: copy or write it again.';
    return { got: `the end of the text at ${place}, before ${expected}`, hint };
  }
  const beginning = text.slice(at, at + SHOWN).split(/[\r\n]/)[0];
  return { got: `${show(beginning)} at ${place} instead of ${expected}`, hint: 'Correct the text there.' };
}
