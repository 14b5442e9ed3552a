import { parseHTML } from 'linkedom';
import type { EpochRecord, MetricsRecord, StepRecord } from '../../src/report/record.js';

const STEPS = 4;

/** After a step of epoch `epoch`, all values made up. */
export const stepRecord = (epoch: number, step: number, more: Partial<StepRecord> = {}): StepRecord => ({
  kind: 'step',
  epoch,
  step,
  steps: STEPS,
  global_step: (epoch - 1) * STEPS + step,
  loss: 2 / epoch,
  top1: 0.1 * epoch,
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

/** A whole run, step by step. */
export const madeUpRun = (epochs: number): MetricsRecord[] =>
  Array.from({ length: epochs }, (_, i) => [
    ...Array.from({ length: STEPS }, (__, step) => stepRecord(i + 1, step + 1)),
    epochRecord(i + 1),
  ]).flat();

export const linesOf = (records: readonly MetricsRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** What the tests ask of an element. */
export interface Found {
  readonly textContent: string;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Found | null;
  querySelectorAll(selector: string): Iterable<Found>;
}

export const parsed = (markup: string): Found => (parseHTML(markup) as unknown as { document: Found }).document;

export const all = (within: Found, selector: string): Found[] => [...within.querySelectorAll(selector)];

export const texts = (within: Found, selector: string): string[] =>
  all(within, selector).map(({ textContent }) => textContent);

/** Points of a path as numbers. */
export const pointsOf = (path: Found): [number, number][] =>
  [...(path.getAttribute('d') ?? '').matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

/** Addresses in attributes and style sheets; the name spaces of SVG are none that anybody fetches. */
export const addresses = (markup: string): string[] =>
  markup.replaceAll(/ xmlns(:\w+)?="[^"]*"/g, '').match(/https?:|src=|href=|url\(|@import|<script/g) ?? [];
