/** The title of a picture, in as many lines as it needs. */
import { escapeControls } from '../core/escapeControls.js';
import { escape, textWidth } from './svg.js';

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const SIZE = 18;
const LINE = 24;
/** Bold text is wider than the estimate. */
const BOLD = 1.1;

const widthOf = (text: string): number => BOLD * textWidth(text, SIZE);

/** Parts between which a line may break: words, and the folders of a path; parts that are wider than a line are cut. */
function partsOf(text: string, width: number): string[] {
  return text.split(/(?<=[\s/\\])/).flatMap((part) => {
    const pieces: string[] = [];
    let piece = '';
    for (const { segment } of GRAPHEMES.segment(part)) {
      if (piece !== '' && widthOf(piece + segment) > width) {
        pieces.push(piece);
        piece = '';
      }
      piece += segment;
    }
    return [...pieces, piece];
  });
}

/** Breaks a title to lines of at most so many pixels. */
export function headingLines(title: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of partsOf(escapeControls(title), width)) {
    if (line !== '' && widthOf((line + part).trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += part;
  }
  return [...lines, line.trimEnd()];
}

/** A title at the top left of a picture, and its height. */
export function heading(
  title: string,
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
): { readonly svg: string; readonly height: number } {
  const lines = headingLines(title, width);
  const texts = lines.map(
    (line, i) =>
      `<text x="${x}" y="${y + SIZE + i * LINE}" font-size="${SIZE}" font-weight="700">${escape(line)}</text>`,
  );
  return { svg: texts.join('\n'), height: lines.length * LINE };
}
