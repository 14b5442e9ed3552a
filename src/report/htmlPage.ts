import { DARK, declarations, escape, FONT, LIGHT } from './svg.js';

/** Widths of pictures in pixels, for desktops and for phones. */
export const [WIDE, NARROW] = [960, 390];

const STYLE = `
:root { color-scheme: light dark; ${declarations(LIGHT)} }
@media (prefers-color-scheme: dark) { :root { ${declarations(DARK)} } }
body { margin: 0 auto; max-width: 1000px; padding: 16px; background: var(--background); color: var(--text);
  font: 15px/1.5 ${FONT}; }
h1 { font-size: 22px; margin: 8px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 28px 0 8px; overflow-wrap: anywhere; }
h3 { font-size: 15px; margin: 16px 0 4px; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure.map svg { width: auto; max-width: 100%; }
.narrow { display: none; }
@media (max-width: 700px) { .wide { display: none; } .narrow { display: block; } body { padding: 8px; } }
.scroll { overflow-x: auto; }
.word { white-space: nowrap; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 4px 8px; text-align: right; border-bottom: 1px solid var(--grid); }
td { white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
.epochs { width: 100%; font-size: 12.5px; }
.epochs th, .epochs td { padding: 4px 3px; }
.left { font-size: 13px; }
.left td, .left th { padding: 4px 6px; }
.left td:first-child, .left th:first-child { text-align: left; }
.outside td { font-weight: 700; color: var(--bad); }
.best td { font-weight: 700; color: var(--validation); }
.config th, .config td { text-align: left; white-space: normal; vertical-align: top; overflow-wrap: anywhere; }
p { margin: 4px 0; overflow-wrap: anywhere; }
@media screen and (max-width: 980px) { .epochs { font-size: 11.5px; } .epochs th, .epochs td { padding: 4px 2px; } }
@media screen and (max-width: 700px) {
  .epochs { font-size: 12.5px; }
  .stack, .stack tbody, .stack th[scope="row"] { display: block; }
  .stack thead { display: none; }
  .stack tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); column-gap: 16px;
    padding: 6px 0; border-bottom: 1px solid var(--grid); }
  .stack td, .stack th[scope="row"] { border: 0; padding: 1px 0; }
  .stack td { display: flex; justify-content: space-between; gap: 8px; white-space: normal; }
  .stack td::before { content: attr(data-head); font-weight: 400; text-align: left; overflow-wrap: normal; }
  .stack td:first-child, .stack th[scope="row"] { grid-column: 1 / -1; font-weight: 600; }
  .stack td:empty { display: none; }
}
@page { margin: 12mm; }
@media print {
  :root { color-scheme: light; ${declarations(LIGHT)} }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .wide { display: block; } .narrow { display: none; }
  .scroll { overflow: visible; }
  table, .left, .epochs { font-size: 7.5pt; width: 100%; }
  th, td, .left th, .left td, .epochs th, .epochs td { padding: 1pt 1.5pt; }
  .config td { overflow-wrap: anywhere; }
  thead { display: table-header-group; }
  tr, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;

/** Text that does not break at its hyphen. */
const unbroken = (text: string): string => escape(text).replace(/top-\d/g, '<span class="word">$&</span>');

/** The cells of a table row. @param heads the names of the columns, which a narrow page shows beside each cell */
export const row = (cells: readonly string[], heads: readonly string[]): string =>
  cells.map((cell, i) => `<td data-head="${escape(heads[i])}">${escape(cell)}</td>`).join('');

/** The cells of the first row of a table. */
export const headRow = (cells: readonly string[]): string =>
  cells.map((cell) => `<th scope="col">${unbroken(cell)}</th>`).join('');

/** A table in a region that scrolls if it is too wide, also by the keyboard. */
export const scrollable = (name: string, table: string): string =>
  `<div class="scroll" role="region" aria-label="${escape(name)}" tabindex="0">${table}</div>`;

/** A self-contained HTML file, without scripts and external resources. */
export const htmlPage = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${body}
</main>
</body>
</html>
`;
