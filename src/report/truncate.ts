import { displayWidth } from './displayWidth.js';

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Text of at most `width` columns, with an ellipsis if it was wider. Characters that are shown as one stay whole. */
export function truncate(text: string, width: number): string {
  // A character takes at most two columns.
  if (2 * text.length <= width || displayWidth(text) <= width) return text;
  let [result, columns] = ['', 0];
  for (const { segment } of GRAPHEMES.segment(text)) {
    columns += displayWidth(segment);
    if (columns > width - 1) break;
    result += segment;
  }
  return `${result}…`;
}
