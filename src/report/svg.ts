import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** Text that may stand in an element or attribute. */
export const escape = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

/** What a picture is drawn with: colors of its own, or those of the page that it stands in. */
export interface Palette {
  readonly background: string;
  readonly text: string;
  readonly grid: string;
  readonly train: string;
  readonly validation: string;
  readonly ema: string;
  readonly runs: readonly string[];
}

/** Each at least 4.5:1 on white. */
export const LIGHT: Palette = {
  background: '#ffffff',
  text: '#24292f',
  grid: '#d8dee4',
  train: '#c62828',
  validation: '#007c91',
  ema: '#7b3fb5',
  runs: ['#c62828', '#007c91', '#7b3fb5', '#8a5a00', '#2e7d32', '#b0286f', '#3451b2', '#5f6368'],
};

/** The same on nearly black. */
export const DARK: Palette = {
  background: '#14181d',
  text: '#e6edf3',
  grid: '#343b44',
  train: '#ff8a80',
  validation: '#4dd0e1',
  ema: '#cfa6ff',
  runs: ['#ff8a80', '#4dd0e1', '#cfa6ff', '#f2c14e', '#81c995', '#ff9ecb', '#9db4ff', '#bdc1c6'],
};

const NAMES = ['background', 'text', 'grid', 'train', 'validation', 'ema'] as const;

/** The palette by name, so that CSS can change it. */
export const VARIABLES: Palette = {
  background: 'var(--background)',
  text: 'var(--text)',
  grid: 'var(--grid)',
  train: 'var(--train)',
  validation: 'var(--validation)',
  ema: 'var(--ema)',
  runs: LIGHT.runs.map((_, i) => `var(--run-${i})`),
};

/** What gives the names of `VARIABLES` a palette's colors. */
export const declarations = (palette: Palette): string =>
  [
    ...NAMES.map((name) => `--${name}: ${palette[name]};`),
    ...palette.runs.map((color, i) => `--run-${i}: ${color};`),
  ].join(' ');

export const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';

/** Room that text takes, estimated: nothing here can measure it. */
export const textWidth = (text: string, size: number): number => 0.56 * size * text.length;

/** A plot as an SVG element to stand inside another. */
export function plotAt(x: number, y: number, options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html><body></body></html>') as { readonly document: unknown };
  const drawn = Plot.plot({ ...options, document: document as never }) as unknown as {
    querySelector(selector: string): { remove(): void } | null;
    removeAttribute(name: string): void;
    setAttribute(name: string, value: string): void;
    outerHTML: string;
  };
  // Its style is for a picture of its own, whose height follows from the page.
  drawn.querySelector('style')?.remove();
  drawn.removeAttribute('class');
  drawn.setAttribute('x', `${x}`);
  drawn.setAttribute('y', `${y}`);
  drawn.setAttribute('font-family', FONT);
  return drawn.outerHTML;
}

export interface PictureOptions {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly palette: Palette;
}

/** Parts put together to a standalone picture. */
export const picture = ({ width, height, title, palette }: PictureOptions, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"` +
      ` role="img" font-family="${FONT}" color="${palette.text}" fill="${palette.text}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${palette.background}"/>`,
    ...parts,
    '</svg>',
  ].join('\n');
