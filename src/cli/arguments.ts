import { InvalidArgumentError } from 'commander';

/** Parsers of option values: what is not of the kind is a usage error that names the option. */

export function integer(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < min) {
      throw new InvalidArgumentError(`Expected an integer >= ${min}.`);
    }
    return value;
  };
}

export function number(min: number, max = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) {
      throw new InvalidArgumentError(
        max === Infinity ? `Expected a number >= ${min}.` : `Expected a number in [${min}, ${max}].`,
      );
    }
    return value;
  };
}

/** `16,32,64` */
export function integers(min: number): (text: string) => number[] {
  return (text) => text.split(',').map(integer(min));
}

/** `32`, or `224x160` for height and width. */
export function size(text: string): [number, number] {
  const sides = text.split('x').map(integer(1));
  if (sides.length > 2) throw new InvalidArgumentError('Expected a size such as 224 or 224x160.');
  return [sides[0], sides[sides.length - 1]];
}
