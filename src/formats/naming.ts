/** Matches the names of tensors in a file with PyTorch's names of a VanillaNet. */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { formOf } from '../core/parameters.js';

/** The first tensor of each form, which shows where the names of the network begin. */
const ANCHORS = ['stem1.0.weight', 'stem.0.weight'];

/** PaddlePaddle's names of running statistics. */
const PADDLE: readonly (readonly [paddle: string, torch: string])[] = [
  ['._mean', '.running_mean'],
  ['._variance', '.running_var'],
];

/** A name with one ending instead of another; as it is if it ends in neither. */
function replaceEnding(name: string, endings: readonly (readonly [from: string, to: string])[]): string {
  const found = endings.find(([from]) => name.endsWith(from));
  return found === undefined ? name : name.slice(0, -found[0].length) + found[1];
}

/** The tensor of a network behind a prefix. */
const NETWORK_NAME = /^(stem[12]?|stages|cls[12]?)\.\d/;

/** Whether PyTorch's name of a tensor, without a prefix, is one of a VanillaNet of any size. */
export const isNetworkName = (name: string): boolean => NETWORK_NAME.test(name);

/** The same behind any prefix. */
const INNER_NAME = /(?:^|\.)((?:stem[12]?|stages|cls[12]?)\.\d.*)$/;

const toPyTorch = (name: string): string => replaceEnding(name, PADDLE);

/** PaddlePaddle's name of a tensor. */
export const toPaddle = (name: string): string =>
  replaceEnding(
    name,
    PADDLE.map(([paddle, torch]) => [torch, paddle]),
  );

/** The names of a network in a file. */
export interface Naming {
  /** What precedes all names of the network, such as `module.`; usually empty. */
  readonly prefix: string;
  /** The names in the file by PyTorch's names, in the order of the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Names that do not belong to the network. */
  readonly others: readonly string[];
}

/** The prefixes of all names that end as the first tensor of a network does. */
export function prefixesOf(names: Iterable<string>): readonly string[] {
  const prefixes = new Set<string>();
  for (const name of names) {
    const anchor = ANCHORS.find((each) => name === each || name.endsWith(`.${each}`));
    if (anchor !== undefined) prefixes.add(name.slice(0, name.length - anchor.length));
  }
  return [...prefixes];
}

/**
 * Finds the network among the names of tensors. Wrappers put a prefix before every name: `module.` (DataParallel),
 * `_orig_mod.` (torch.compile), `model.` (Lightning), `backbone.` (detectors), or several of them.
 *
 * @param file for errors
 * @returns null if there is no VanillaNet
 * @throws WeightsError if some names have the prefix and others lack it, or two names become one
 */
export function namingOf(fileNames: Iterable<string>, file: string): Naming | null {
  const all = [...fileNames];
  const prefixes = prefixesOf(all);
  const [prefix] = prefixes as readonly (string | undefined)[];
  if (prefix === undefined) return null;
  const names = new Map<string, string>();
  const others: string[] = [];
  for (const fileName of all) {
    const isInside = fileName.startsWith(prefix);
    const name = toPyTorch(isInside ? fileName.slice(prefix.length) : fileName);
    if (!isInside) {
      if (isNetworkName(name)) refuseHalf(file, prefix, fileName);
      others.push(fileName);
    } else if (names.has(name)) {
      const got = `${show(names.get(name))} and ${show(fileName)}`;
      throw new WeightsError({ op: file, expected: `one tensor ${name}`, got, hint: 'Save it under one name.' });
    } else names.set(name, fileName);
  }
  // Without a prefix, names of any kind are inside.
  for (const other of [...others, ...names.values()]) {
    const inner = INNER_NAME.exec(toPyTorch(other))?.[1];
    // A prefix with a first tensor of its own is that of another network.
    const isOwn = prefixes.some((each) => each !== '' && other.startsWith(each));
    if (inner !== undefined && !names.has(inner) && !isOwn) refuseHalf(file, prefix, other);
  }
  return { prefix, names, others };
}

function refuseHalf(file: string, prefix: string, name: string): never {
  throw new WeightsError({
    op: file,
    expected:
      prefix === ''
        ? 'no prefix before the names of the network'
        : `the prefix ${show(prefix)} before every name of the network`,
    got: prefix === '' ? `${show(name)}, beside others without one` : `${show(name)} without it`,
    hint: 'Save the state_dict of one module in Python: torch.save(model.state_dict(), "net.pth").',
  });
}

/** The form by PyTorch's names. */
export const formOfNames = (names: { has(name: string): boolean }): 'train' | 'deploy' => formOf(names) ?? 'train';
