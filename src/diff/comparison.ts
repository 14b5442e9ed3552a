/** What comes of a comparison, for the table, JSON and page alike. */
import type { Measures } from './measures.js';

/** The element that comes nearest to its bound, or leaves it farthest. */
export interface Worst {
  /** [n,c,h,w] */
  readonly at: readonly number[];
  readonly got: number;
  readonly exact: number;
  /** |got − exact|; infinite where got is no number. */
  readonly error: number;
  readonly bound: number;
  /** error/bound: above 1 it is left, infinite where nothing may be rounded and something was. */
  readonly ratio: number;
}

/** A layer, computed by somebody from what they had before it, held against float64 on the same numbers. */
export interface LayerVerdict {
  readonly layer: string;
  readonly op: string;
  /** The layer that it was computed from, or null for the input; layers between were not shown. */
  readonly from: string | null;
  readonly shape: readonly number[];
  readonly local: Measures;
  readonly worst: Worst;
  /** Elements that leave their bound. */
  readonly outside: number;
  /** Elements of which nothing can be said: what they came from was no number. */
  readonly unjudged: number;
  /** Against the backend that was named first; null for layers that it does not show. */
  readonly global: Measures | null;
}

/** |error| over the worst channel of the worst layer. */
export interface HeatMap {
  readonly layer: string;
  readonly image: number;
  readonly channel: number;
  readonly height: number;
  readonly width: number;
  readonly errors: Float64Array;
  readonly bounds: Float64Array;
}

export interface Verdict {
  readonly backend: string;
  readonly layers: readonly LayerVerdict[];
  /** The first layer that leaves its bound. */
  readonly first: string | null;
  /** The layer with the largest ratio; null where not one element differs. */
  readonly worst: LayerVerdict | null;
  readonly heatMap: HeatMap | null;
  /** Modules of the network that were not shown: their bounds are carried on to the next. */
  readonly missing: readonly string[];
  /** What was shown and is no layer of the network. */
  readonly unknown: readonly string[];
}

export interface Comparison {
  /** Whom the differences are to. */
  readonly to: string;
  readonly verdicts: readonly Verdict[];
}
