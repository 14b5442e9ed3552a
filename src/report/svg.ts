import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { displayWidth } from './displayWidth.js';
import { escapeControls } from '../core/escapeControls.js';

/** Escapes text for an element or an attribute. XML has no control characters. */
export const escape = (text: string): string =>
  escapeControls(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The colors of a picture: values, or CSS variables of the page that contains it. */
export interface Palette {
  readonly background: string;
  readonly text: string;
  readonly grid: string;
  readonly train: string;
  readonly validation: string;
  readonly ema: string;
  /** Of what is outside of a bound. */
  readonly bad: string;
  /** Of what is compared and may be good: no reds. */
  readonly compared: readonly string[];
  readonly runs: readonly string[];
}

/** Colors for a white background, with a contrast of at least 4.5:1. */
export const LIGHT: Palette = {
  background: '#ffffff',
  text: '#24292f',
  grid: '#d8dee4',
  train: '#c62828',
  validation: '#007c91',
  ema: '#7b3fb5',
  bad: '#c62828',
  compared: ['#007c91', '#7b3fb5', '#8a5a00', '#2e7d32', '#3451b2', '#5f6368'],
  runs: ['#c62828', '#007c91', '#7b3fb5', '#8a5a00', '#2e7d32', '#b0286f', '#3451b2', '#5f6368'],
};

/** Colors for a dark background. */
export const DARK: Palette = {
  background: '#14181d',
  text: '#e6edf3',
  grid: '#343b44',
  train: '#ff8a80',
  validation: '#4dd0e1',
  ema: '#cfa6ff',
  bad: '#ff8a80',
  compared: ['#4dd0e1', '#cfa6ff', '#f2c14e', '#81c995', '#9db4ff', '#bdc1c6'],
  runs: ['#ff8a80', '#4dd0e1', '#cfa6ff', '#f2c14e', '#81c995', '#ff9ecb', '#9db4ff', '#bdc1c6'],
};

const NAMES = ['background', 'text', 'grid', 'train', 'validation', 'ema', 'bad'] as const;

/** The palette as CSS variables. */
export const VARIABLES: Palette = {
  background: 'var(--background)',
  text: 'var(--text)',
  grid: 'var(--grid)',
  train: 'var(--train)',
  validation: 'var(--validation)',
  ema: 'var(--ema)',
  bad: 'var(--bad)',
  compared: LIGHT.compared.map((_, i) => `var(--compared-${i})`),
  runs: LIGHT.runs.map((_, i) => `var(--run-${i})`),
};

/** CSS declarations that set the variables of `VARIABLES` to the colors of a palette. */
export const declarations = (palette: Palette): string =>
  [
    ...NAMES.map((name) => `--${name}: ${palette[name]};`),
    ...palette.compared.map((color, i) => `--compared-${i}: ${color};`),
    ...palette.runs.map((color, i) => `--run-${i}: ${color};`),
  ].join(' ');

export const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';

/** Widths of characters in em, of the widest fonts of `FONT`. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[iIjl.,:;'|!()[\]\s/\\]/, 0.42],
  [/[mwMW@%…—]/, 0.98],
  [/[A-Z]/, 0.74],
];
const [OTHER, TWO_COLUMNS] = [0.64, 1.05];

function em(character: string): number {
  if (displayWidth(character) > 1) return TWO_COLUMNS;
  return WIDTHS.find(([pattern]) => pattern.test(character))?.[1] ?? OTHER;
}

/** The estimated width of text in pixels, rather too large: without a browser it cannot be measured. */
export const textWidth = (text: string, size: number): number => {
  // Marks and joined emoji add nothing to what they belong to.
  const graphemes = Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
  return size * graphemes.reduce((sum, each) => sum + em(each), 0);
};

/** A plot as an SVG element inside another. */
export function plotAt(x: number, y: number, options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html><body></body></html>') as { readonly document: unknown };
  const element = Plot.plot({ ...options, document: document as never }) as unknown as {
    querySelector(selector: string): { remove(): void } | null;
    removeAttribute(name: string): void;
    setAttribute(name: string, value: string): void;
    outerHTML: string;
  };
  // Plot's style is for an SVG of its own.
  element.querySelector('style')?.remove();
  element.removeAttribute('class');
  element.setAttribute('x', `${x}`);
  element.setAttribute('y', `${y}`);
  element.setAttribute('font-family', FONT);
  // The name of a mark: an `aria-label` is not allowed on a group, and the picture as a whole has a title.
  return element.outerHTML.replaceAll(' aria-label="', ' data-mark="');
}

export interface PictureOptions {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly palette: Palette;
}

/** Joins parts to a standalone SVG. */
export const picture = ({ width, height, title, palette }: PictureOptions, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"` +
      ` role="img" font-family="${FONT}" color="${palette.text}" fill="${palette.text}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${palette.background}"/>`,
    ...parts,
    '</svg>',
  ].join('\n');
