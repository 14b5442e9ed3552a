import type { Price } from './target.js';

/** Requests and what they use. */
export interface Usage {
  readonly requests: number;
  readonly cpu_ms: number;
  readonly gb_seconds: number;
}

/** No usage. */
const NOTHING: Usage = { requests: 0, cpu_ms: 0, gb_seconds: 0 };

const charge = (price: Price, usage: Usage, free: Usage): number =>
  (price.usd_per_million_requests * Math.max(0, usage.requests - free.requests)) / 1e6 +
  (price.usd_per_million_cpu_ms * Math.max(0, usage.cpu_ms - free.cpu_ms)) / 1e6 +
  price.usd_per_gb_second * Math.max(0, usage.gb_seconds - free.gb_seconds);

/** The price of additional usage in US dollars, if the plan's included usage is used up. */
export const marginalCost = (price: Price, usage: Usage): number => charge(price, usage, NOTHING);

/** The price of a month with this usage alone in US dollars. */
export const monthlyCost = (price: Price, usage: Usage): number =>
  price.usd_per_month +
  charge(price, usage, {
    requests: price.included_requests,
    cpu_ms: price.included_cpu_ms,
    gb_seconds: price.included_gb_seconds,
  });
