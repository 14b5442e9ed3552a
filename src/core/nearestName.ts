/** Names for the hint `Did you mean …?`. */

/** The name that differs least from another, in at most a third of its letters; undefined if there is none. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const most = Math.min(3, name.length / 3);
  // A damaged file may have a name of megabytes: the distance to it takes time, and is at least the difference in length.
  const distances = names
    .filter((each) => Math.abs(each.length - name.length) <= most)
    .map((each) => [editDistance(name.toLowerCase(), each.toLowerCase()), each] as const);
  const [distance, nearest] = distances.reduce((a, b) => (b[0] < a[0] ? b : a), [Infinity, '']);
  return distance <= most ? nearest : undefined;
}

/** Characters to insert, delete or replace, and neighbors to exchange (Damerau and Levenshtein). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replacement = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchange = isExchange ? before[j - 2] + 1 : Infinity;
      next.push(Math.min(replacement, exchange, row[j] + 1, next[j - 1] + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}

/** Names of the same thing in this package and in others, in lower case, without `_` and `-`. */
const SYNONYMS = [
  'validation val valid test heldout',
  'lr learningrate lr0',
  'minlr etamin lrmin endlr',
  'weightdecay wd l2',
  'batchsize bs',
  'warmuplr warmupinitlr lrwarmup',
  'warmupepochs warmup warmupsteps',
  'gradaccumsteps gradientaccumulationsteps accumulate',
  'seed randomstate rng',
  'smoothing eps',
  'droprate dropout dropprob pdrop',
  'numclasses nc numlabels nclasses',
  'classnames labels names id2label',
  'inchans channels inchannels inputchannels',
  'inputsize size imgsz imgsize imagesize resolution',
  'horizontalflip flip hflip fliplr',
  'topk k top',
  'signal abort controller',
  'resume checkpoint',
  'onprogress callback progress',
].map((group) => group.split(' '));

const plainForm = (name: string): string => name.toLowerCase().replace(/[_-]/g, '');

/** The shortest part of a name that stands for the whole, and the shortest key that ends a name: `steps` ends as `eps` does. */
const [PART, ENDING] = [3, 4];

/**
 * The key that an unknown one may stand for: the same but for case, `_` and `-`; the nearest; that of another package for
 * the same thing, as `val` for `validation`; or one that contains it, or begins or ends it, as `flip` and `horizontalFlip`,
 * `trainSet` and `train`.
 */
export function nearestKey(name: string, keys: readonly string[]): string | undefined {
  const plain = plainForm(name);
  const find = (matches: (key: string) => boolean): string | undefined => keys.find((key) => matches(plainForm(key)));
  const synonyms = SYNONYMS.filter((group) => group.includes(plain)).flat();
  return (
    find((key) => key === plain) ??
    nearestName(name, keys) ??
    find((key) => synonyms.includes(key)) ??
    find((key) => plain.length >= PART && key.includes(plain)) ??
    find((key) => (key.length >= PART && plain.startsWith(key)) || (key.length >= ENDING && plain.endsWith(key)))
  );
}
