/** `wrangler deploy --dry-run`: what would be uploaded, without an account or the network. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const WRANGLER = fileURLToPath(new URL('node_modules/wrangler/bin/wrangler.js', import.meta.url));

/** One that hangs is stopped: it asks for its own newest version, and for nothing else. */
const PATIENCE = 120_000;

/** @param out where it goes, below the project's folder */
export async function dryRun(cwd: string, out: string, ...options: readonly string[]): Promise<void> {
  await run(process.execPath, [WRANGLER, 'deploy', '--dry-run', '--outdir', out, ...options], {
    cwd,
    timeout: PATIENCE,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1' },
  });
}
