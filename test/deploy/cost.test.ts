import { expect, test } from '@jest/globals';
import { marginalCost, monthlyCost } from '../../src/deploy/cost.js';
import type { Price } from '../../src/deploy/target.js';
import { TARGETS } from '../../src/deploy/targets.js';

/** Rounded to cents. */
const cents = (usd: number): number => Math.round(100 * usd);

function priceOf(name: string): Price {
  const price = TARGETS.find((platform) => platform.name === name)?.price ?? null;
  if (price === null) throw new Error(`no price of ${name}`);
  return price;
}

test("Cloudflare's own example: 15 million requests of 7 ms are 5.00 + 1.50 + 1.50", () => {
  const usage = { requests: 15e6, cpu_ms: 15e6 * 7, gb_seconds: 0 };
  expect(cents(monthlyCost(priceOf('Cloudflare paid'), usage))).toBe(800);
});

test("AWS's own example: 3 million seconds of 512 MB are 1,100,000 GB-s beyond the free ones, and 2 million requests", () => {
  const usage = { requests: 3e6, cpu_ms: 3e9, gb_seconds: 3e6 / 2 };
  // At the former price of 0.00001667: 18.337 and 0.40.
  const price = { ...priceOf('AWS Lambda x86_64'), usd_per_gb_second: 0.00001667 };
  expect(cents(monthlyCost(price, usage))).toBe(1874);
});

test('included usage counts in the monthly, not in the marginal cost', () => {
  const price = priceOf('Cloudflare paid');
  const usage = { requests: 1e6, cpu_ms: 40e6, gb_seconds: 0 };
  // 5, no requests, 10 million ms; then 0.30 and 40 million ms.
  expect(cents(monthlyCost(price, usage))).toBe(520);
  expect(cents(marginalCost(price, usage))).toBe(110);
});

test('usage below the included costs the fee of the plan', () => {
  expect(monthlyCost(priceOf('Cloudflare paid'), { requests: 0, cpu_ms: 0, gb_seconds: 0 })).toBe(5);
  expect(monthlyCost(priceOf('AWS Lambda arm64'), { requests: 0, cpu_ms: 0, gb_seconds: 0 })).toBe(0);
});
