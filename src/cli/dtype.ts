import { InvalidArgumentError, Option } from 'commander';

const SHORT: Readonly<Record<string, string>> = { f16: 'float16', f32: 'float32', f64: 'float64' };

/** An option for a type of weights: one of `names`, or its short form. */
export function dtypeOption(flags: string, what: string, names: readonly string[]): Option {
  const short = Object.keys(SHORT).filter((key) => names.includes(SHORT[key]));
  const choices = [...short, ...names].join(', ');
  return new Option(flags, `${what} (choices: ${names.join(', ')})`).argParser((text) => {
    const name = Object.hasOwn(SHORT, text) ? SHORT[text] : text;
    if (names.includes(name)) return name;
    throw new InvalidArgumentError(`Allowed choices are ${choices}.`);
  });
}
