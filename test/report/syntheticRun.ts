import { parseHTML } from 'linkedom';
import type { EpochRecord, MetricsRecord, StepRecord } from '../../src/report/record.js';

const STEPS = 4;

/** A record of a step, with synthetic values. */
export const stepRecord = (epoch: number, step: number, more: Partial<StepRecord> = {}): StepRecord => ({
  kind: 'step',
  epoch,
  step,
  steps: STEPS,
  global_step: (epoch - 1) * STEPS + step,
  loss: 3 / epoch,
  top1: 0.05 * epoch,
  running_loss: 2 / epoch,
  running_top1: 0.1 * epoch,
  lambda: 0.5,
  lr: 3e-3,
  images_per_second: 100,
  ...more,
});

export const epochRecord = (epoch: number, more: Partial<EpochRecord> = {}): EpochRecord => ({
  kind: 'epoch',
  epoch,
  global_step: epoch * STEPS,
  lambda: 0.5,
  lr: 3e-3,
  train: { loss: 2 / epoch, top1: 0.1 * epoch, top5: 0.15 * epoch },
  validation: { loss: 2.5 / epoch, top1: 0.08 * epoch, top5: 0.12 * epoch },
  seconds: 61,
  images_per_second: 100,
  idle: 0.02,
  fused: false,
  ...more,
});

/** All records of a run. */
export const syntheticRun = (epochs: number): MetricsRecord[] =>
  Array.from({ length: epochs }, (_, i) => [
    ...Array.from({ length: STEPS }, (__, step) => stepRecord(i + 1, step + 1)),
    epochRecord(i + 1),
  ]).flat();

export const linesOf = (records: readonly MetricsRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** The methods of an element that the tests use. */
export interface TestElement {
  readonly textContent: string;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): TestElement | null;
  querySelectorAll(selector: string): Iterable<TestElement>;
}

export const parsed = (markup: string): TestElement =>
  (parseHTML(markup) as unknown as { document: TestElement }).document;

export const all = (within: TestElement, selector: string): TestElement[] => [...within.querySelectorAll(selector)];

export const texts = (within: TestElement, selector: string): string[] =>
  all(within, selector).map(({ textContent }) => textContent);

/** The points of a path. */
export const pointsOf = (path: TestElement): [number, number][] =>
  [...(path.getAttribute('d') ?? '').matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

/** External addresses in attributes and style sheets. The XML namespaces of SVG are not fetched. */
export const addresses = (markup: string): string[] =>
  markup.replaceAll(/ xmlns(:\w+)?="[^"]*"/g, '').match(/https?:|src=|href=|url\(|@import|<script/g) ?? [];
