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

/** `0.6,1` @param count how many there are, or may be from and to */
export function numbers(
  min: number,
  max: number,
  [least, most = least]: readonly [least: number, most?: number],
): (text: string) => number[] {
  return (text) => {
    const values = text.split(',');
    if (values.length < least || values.length > most) {
      throw new InvalidArgumentError(`Expected ${least === most ? least : `${least} to ${most}`} numbers.`);
    }
    return values.map(number(min, max));
  };
}

/** The longest side that a PNG, JPEG or WebP can have, and that the counts of a summary can hold. */
const MAX_SIDE = 65_535;

/** `32`, or `224x160` for height and width. */
export function size(text: string): [number, number] {
  const sides = text.split('x').map(integer(1));
  if (sides.length > 2 || sides.some((side) => side > MAX_SIDE))
    throw new InvalidArgumentError('Expected a size such as 224 or 224x160, at most 65535 a side.');
  return [sides[0], sides[sides.length - 1]];
}
