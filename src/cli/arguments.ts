import { InvalidArgumentError } from 'commander';
import { checkNumber, type Range } from '../core/check.js';
import { checkVariantName, type VariantName } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { checkFreeze } from '../core/freeze.js';

/** Parsers of option values. Each throws InvalidArgumentError, which commander reports as a usage error. */

const withHint = ({ expected, hint }: ParamError): string =>
  `Expected ${expected}.${hint === undefined ? '' : ` ${hint}`}`;

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

/** A number in a range whose ends may be open, such as `{ above: 0, max: 1 }`. */
export function numberIn(range: Range): (text: string) => number {
  return (text) => {
    try {
      return checkNumber('option', text.trim() === '' ? NaN : Number(text), range);
    } catch (error) {
      if (!(error instanceof ParamError)) throw error;
      throw new InvalidArgumentError(`Expected ${error.expected}.`);
    }
  };
}

/** 0 for none, or a number in a range. */
export function zeroOr(range: Range): (text: string) => number {
  return (text) => {
    if (text.trim() !== '' && Number(text) === 0) return 0;
    try {
      return numberIn(range)(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(error.message.replace('Expected ', 'Expected 0, or '));
    }
  };
}

/** A list such as `16,32,64`. */
export function integers(min: number): (text: string) => number[] {
  return (text) => text.split(',').map(integer(min));
}

/** Parts of a network, such as `stem,bn`. */
export function parts(text: string): readonly string[] {
  try {
    return checkFreeze(text.split(',').map((part) => part.trim()));
  } catch (error) {
    if (!(error instanceof ParamError)) throw error;
    throw new InvalidArgumentError(withHint(error));
  }
}

/** A list of numbers such as `0.6,1`. The third parameter is the number of values, or the least and the most. */
export function numbers(
  range: Range,
  [least, most = least]: readonly [least: number, most?: number],
): (text: string) => number[] {
  return (text) => {
    const values = text.split(',');
    if (values.length < least || values.length > most) {
      throw new InvalidArgumentError(`Expected ${least === most ? least : `${least} to ${most}`} numbers.`);
    }
    return values.map(numberIn(range));
  };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** A size such as `24MiB`, `500kB` or a number of bytes. */
export function byteCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?) *(?:([kMG]|[KMG]i)?B)?$/.exec(text);
  const bytes = Math.floor(Number(match?.[1]) * UNITS[match?.[2] ?? '']);
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new InvalidArgumentError('Expected a size such as 24MiB, 500kB or a number of bytes.');
}

/** The longest side that a JPEG can have. Counts of a summary stay exact up to it. */
const MAX_SIDE = 65_535;
/** The smallest side of images to train on, as of drawn shapes. */
const LEAST_IMAGE = 8;

/** `32`, or `224x160` for height and width. */
export function size(text: string): [number, number] {
  const sides = text.split('x').map(integer(1));
  if (sides.length > 2 || sides.some((side) => side > MAX_SIDE))
    throw new InvalidArgumentError('Expected a size such as 224 or 224x160, at most 65535 a side.');
  return [sides[0], sides[sides.length - 1]];
}

/** As `size`, of images that show something. */
export function imageSize(text: string): [number, number] {
  const sides = size(text);
  if (sides.every((side) => side >= LEAST_IMAGE)) return sides;
  throw new InvalidArgumentError(`Expected a size such as 32 or 224x160, at least ${LEAST_IMAGE} a side.`);
}

/** The name of a published variant. */
export function variantName(text: string): VariantName {
  try {
    return checkVariantName('variant', text);
  } catch (error) {
    if (!(error instanceof ParamError)) throw error;
    throw new InvalidArgumentError(withHint(error));
  }
}
