/** Runs `wrangler deploy --dry-run`, which writes the files to upload, without an account or the network. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const WRANGLER = fileURLToPath(new URL('node_modules/wrangler/bin/wrangler.js', import.meta.url));

/** Milliseconds until a hanging run is stopped. Its only network request is a check for a newer version of itself. */
const TIMEOUT = 120_000;

/** @param out the output folder, relative to `cwd` */
export async function dryRun(cwd: string, out: string, ...options: readonly string[]): Promise<void> {
  await run(process.execPath, [WRANGLER, 'deploy', '--dry-run', '--outdir', out, ...options], {
    cwd,
    timeout: TIMEOUT,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1' },
  });
}
