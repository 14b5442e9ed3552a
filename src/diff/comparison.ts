/** The result of a comparison, for table, JSON and page. */
import type { Measures } from './measures.js';

/** The element with the largest ratio of error and bound. */
export interface Worst {
  /** [n,c,h,w] */
  readonly at: readonly number[];
  readonly got: number;
  readonly exact: number;
  /** |got − exact|; infinite if got is NaN. */
  readonly error: number;
  readonly bound: number;
  /** error/bound: above 1 outside the bound; infinite for an error with a bound of 0. */
  readonly ratio: number;
}

/** The output of a layer, compared with that of float64 from the same input. */
export interface LayerVerdict {
  readonly layer: string;
  readonly op: string;
  /** The layer whose output was the input, or null for the batch. Layers between have no output. */
  readonly from: string | null;
  readonly shape: readonly number[];
  readonly local: Measures;
  readonly worst: Worst;
  /** Number of elements outside their bounds. */
  readonly outside: number;
  /** Number of elements that cannot be judged, because their input was NaN or infinite. */
  readonly unjudged: number;
  /** Difference to the first candidate; null if it has no output of this layer. */
  readonly global: Measures | null;
}

/** |error| of the channel with the worst element. */
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
  /** The first layer outside its bound; null if there is none. */
  readonly first: string | null;
  /** The layer with the largest ratio; null if no element differs. */
  readonly worst: LayerVerdict | null;
  readonly heatMap: HeatMap | null;
  /** Modules without output: their errors count in the bound of the next layer. */
  readonly missing: readonly string[];
  /** Outputs that are not of a layer of the network. */
  readonly unknown: readonly string[];
}

export interface Comparison {
  /** The candidate that the differences are to. */
  readonly to: string;
  readonly verdicts: readonly Verdict[];
}
