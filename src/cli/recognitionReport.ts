/** What was found in a file of weights, as text and as JSON. */
import { formatShape } from '../core/tensor.js';
import type { Recognition } from '../formats/recognize.js';
import { listNames } from '../formats/recognize.js';
import { print } from './print.js';

const LABEL_WIDTH = 12;
const line = (label: string, text: string): void => {
  print(`${label.padEnd(LABEL_WIDTH)}${text}`);
};

const counted = (count: number, noun: string, plural = `${noun}s`): string => `${count} ${count === 1 ? noun : plural}`;

function sourceText({ source, isEma, otherSources }: Recognition): string {
  const what = source === '' ? 'the only ones in the file' : source;
  const average = isEma ? ', the exponential moving average (--no-ema takes the weights themselves)' : '';
  const others = otherSources.map((name) => (name === '' ? 'those without a key' : name)).join(', ');
  return `${what}${average}${others === '' ? '' : `; not taken: ${others}`}`;
}

function networkText({ config }: Recognition): string {
  const { variant, dims, form, num_classes, in_chans, act_num, lambda } = config;
  return [
    variant ?? `dims ${formatShape(dims)}`,
    `the ${form} form`,
    counted(num_classes, 'class', 'classes'),
    ...(in_chans === 3 ? [] : [counted(in_chans, 'channel')]),
    `act_num ${act_num}`,
    `lambda ${lambda ?? 'unknown'}`,
  ].join(', ');
}

function renamedText({ renamed }: Recognition): string {
  const [[from, to]] = renamed;
  return `${counted(renamed.size, 'name')}, such as ${from} to ${to}`;
}

/** Prints a report of what was found. @param path of the file */
export function printRecognition(path: string, found: Recognition): void {
  const { format, writer, epoch, matched, prefix, missing, unexpected, dtypes, guesses, notes, renamed } = found;
  line('file', `${path}: ${format}${writer === null ? '' : `, written by ${writer}`}`);
  line('weights', sourceText(found));
  line('network', networkText(found));
  if (epoch !== null) line('epoch', `${epoch}, counted from 0`);
  line('tensors', `${counted(matched, 'tensor')} (${[...dtypes.keys()].join(', ')})`);
  if (prefix !== '') line('prefix', `"${prefix}" removed`);
  if (renamed.size > 0) line('renamed', renamedText(found));
  if (missing.length > 0) line('missing', listNames(missing));
  if (unexpected.length > 0) line('unexpected', `${listNames(unexpected)} (left out)`);
  for (const guess of guesses) line('guessed', guess);
  for (const note of notes) line('note', note);
}

/** The report as JSON: without the tensors themselves. */
export function recognitionJson(path: string, { tensors, ...found }: Recognition) {
  const { renamed, dtypes, ...rest } = found;
  return {
    file: path,
    ...rest,
    renamed: Object.fromEntries(renamed),
    dtypes: Object.fromEntries(dtypes),
    tensors: [...tensors].map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
  };
}
