/** Shows the predictions, as bars and as text. */

const percent = (share) => {
  if (share > 0 && share < 0.001) return '< 0.1%';
  return `${(100 * share).toFixed(1)}%`;
};

const verdict = (share) => {
  if (share >= 0.9) return 'No doubt at all, right or wrong.';
  if (share >= 0.5) return 'Likelier than all the rest together.';
  return 'It hesitates between several.';
};

function element(name, className, text = '') {
  const result = document.createElement(name);
  result.className = className;
  result.textContent = text;
  return result;
}

/** One prediction. The bar is hidden from screen readers, because the text says the same. */
function row({ label, probability }) {
  const item = element('li', 'guess');
  const share = element('data', 'share', percent(probability));
  share.value = String(probability);
  const bar = element('span', 'bar');
  bar.ariaHidden = 'true';
  const fill = element('span', 'fill-bar');
  fill.style.setProperty('--share', String(probability));
  bar.append(fill);
  item.append(element('span', 'label', label), share, bar);
  return item;
}

const times = (milliseconds) => (milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0));

/** The second parameter is the worker's message `ready`. */
export function showAnswer({ predictions, milliseconds }, { size: [height, width], threads }, parts) {
  const [best, next] = predictions;
  parts.best.textContent = best.label;
  parts.verdict.textContent = verdict(best.probability);
  parts.guesses.replaceChildren(...predictions.map(row));
  parts.sees.textContent = `It sees the middle, ${width} × ${height} points.`;
  parts.time.textContent = `${times(milliseconds)} ms on ${threads} thread${threads === 1 ? '' : 's'}`;
  parts.announcement.textContent = [best, next]
    .filter((each) => each !== undefined)
    .map(({ label, probability }) => `${label}, ${percent(probability)}`)
    .join('; then ');
}
