/** The interpreters of Python that have a framework. */
import { describe, test } from '@jest/globals';
import { hasPackage } from '../formats/hasPackage.js';

interface Source {
  /** The packages to import. */
  readonly packages: readonly string[];
  /** Environment variables that may name an interpreter; the first one that is set counts. */
  readonly variables: readonly string[];
}

/** Keras needs versions of packages that others may not accept, so it can have an interpreter of its own. */
export const FRAMEWORKS = {
  PyTorch: { packages: ['torch'], variables: ['VANILLANET_PYTHON'] },
  PaddlePaddle: { packages: ['paddle'], variables: ['VANILLANET_PYTHON'] },
  onnxruntime: { packages: ['onnx', 'onnxruntime'], variables: ['VANILLANET_PYTHON'] },
  Keras: { packages: ['keras_cv_attention_models'], variables: ['VANILLANET_KERAS_PYTHON', 'VANILLANET_PYTHON'] },
  zipfile: { packages: ['zipfile'], variables: ['VANILLANET_PYTHON'] },
} as const satisfies Readonly<Record<string, Source>>;

export type Framework = keyof typeof FRAMEWORKS;

/** An interpreter with a framework; null if there is none. */
export function interpreterWith(framework: Framework): string | null {
  const { packages, variables }: Source = FRAMEWORKS[framework];
  const interpreter = variables.map((variable) => process.env[variable]).find((each) => each !== undefined);
  const isWhole = interpreter !== undefined && packages.every((name) => hasPackage(interpreter, name));
  return isWhole ? interpreter : null;
}

const reasonOf = (framework: Framework): string => {
  const { packages, variables }: Source = FRAMEWORKS[framework];
  return `${variables.join(' or ')} names no Python with ${packages.join(' and ')}`;
};

/** Tests with a framework; without it they are skipped under a title that says so. */
export function describeWith(framework: Framework, define: (interpreter: string) => void): void {
  const interpreter = interpreterWith(framework);
  if (interpreter === null) {
    describe.skip(`${framework}: ${reasonOf(framework)}`, () => {
      define('');
    });
  } else {
    describe(framework, () => {
      define(interpreter);
    });
  }
}

/** One test with a framework, as `describeWith`. */
export function testWith(framework: Framework, title: string, run: (interpreter: string) => Promise<void>): void {
  describeWith(framework, (interpreter) => {
    test(title, () => run(interpreter));
  });
}
