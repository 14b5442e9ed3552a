/**
 * Limits and list prices of some platforms. They change: every row has a date and a source, and `--platforms`
 * replaces it. Prices are those on the vendors' own pages.
 */
import { checkTarget, type Target, type TargetRow } from './target.js';

const MB = 1e6;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Memory of an idle Node with this package, 50 MiB, and of the platform's client in the same process. */
const NODE = 64 * MIB;

const WORKERS = {
  date: '2026-11-24',
  source: 'https://developers.cloudflare.com/workers/platform/limits/',
  memory_bytes: 128 * MIB,
  asset_bytes: 25 * MIB,
};

const LAMBDA = {
  date: '2026-11-24',
  source: 'https://aws.amazon.com/lambda/pricing/',
  memory_bytes: 10_240 * MIB,
  min_memory_bytes: 128 * MIB,
  runtime_bytes: NODE,
  whole_cpu_bytes: 1769 * MIB,
  // Lambda limits the duration, which is the CPU time while the network computes.
  cpu_ms: 15 * 60_000,
  code_bytes: 250 * MB,
};

/** Prices of us-east-1, first tier, without traffic. */
const LAMBDA_PRICE = { usd_per_million_requests: 0.2, included_requests: 1e6, included_gb_seconds: 400_000 };

const ROWS: readonly TargetRow[] = [
  {
    ...WORKERS,
    name: 'Cloudflare free',
    cpu_ms: 10,
    // After gzip. Another page of 2026 has 64 MiB before gzip: the smaller limit is used.
    code_bytes: 3 * MB,
    price: {},
    note: 'at most 100,000 requests a day',
  },
  {
    ...WORKERS,
    name: 'Cloudflare paid',
    code_bytes: 10 * MB,
    // The default; `limits.cpu_ms` can raise it to 300,000.
    cpu_ms: 30_000,
    price: {
      usd_per_month: 5,
      usd_per_million_requests: 0.3,
      usd_per_million_cpu_ms: 0.02,
      included_requests: 10e6,
      included_cpu_ms: 30e6,
    },
  },
  {
    name: 'Vercel Edge (Pro)',
    date: '2026-11-24',
    source: 'https://vercel.com/docs/functions/limitations',
    memory_bytes: 128 * MIB,
    code_bytes: 2 * MB,
    note: '1 MB of code on Hobby, 4 MB on Enterprise; Vercel advises its Node.js runtime instead',
  },
  {
    name: 'Netlify Edge',
    date: '2026-11-24',
    source: 'https://docs.netlify.com/build/edge-functions/limits/',
    memory_bytes: 512 * MIB,
    cpu_ms: 50,
    code_bytes: 20 * MB,
    note: 'all edge functions of a site share the memory',
  },
  {
    name: 'Fastly Compute',
    date: '2026-11-24',
    source: 'https://docs.fastly.com/products/compute-resource-limits',
    memory_bytes: 128 * MIB,
    cpu_ms: 50,
    code_bytes: 100 * MB,
    webassembly: false,
    note: 'no WebAssembly from JavaScript, so that this engine cannot run',
  },
  {
    name: 'Deno Deploy',
    date: '2026-11-24',
    source: 'https://docs.deno.com/deploy/pricing_and_limits/',
    memory_bytes: 512 * MIB,
    runtime_bytes: NODE,
    code_bytes: GIB,
  },
  { ...LAMBDA, name: 'AWS Lambda x86_64', price: { ...LAMBDA_PRICE, usd_per_gb_second: 0.0000166667 } },
  { ...LAMBDA, name: 'AWS Lambda arm64', price: { ...LAMBDA_PRICE, usd_per_gb_second: 0.0000133334 } },
];

export const TARGETS: readonly Target[] = ROWS.map((row) => checkTarget(row, row.name));
