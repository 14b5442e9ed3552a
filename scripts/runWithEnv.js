/**
 * Runs another npm script with environment variables, on every system: cmd.exe does not know `NAME=VALUE command`.
 *
 *     node scripts/runWithEnv.js NAME=VALUE… SCRIPT [-- ARGUMENT…]
 */
import { spawnSync } from 'node:child_process';

const parameters = process.argv.slice(2);
const end = parameters.findIndex((parameter) => !/^\w+=/.test(parameter));
const npm = process.env.npm_execpath;
if (end < 1 || npm === undefined) {
  console.error('usage, in a script of package.json: node scripts/runWithEnv.js NAME=VALUE… SCRIPT [-- ARGUMENT…]');
  process.exit(2);
}
for (const variable of parameters.slice(0, end)) {
  const [name] = variable.split('=', 1);
  process.env[name] = variable.slice(name.length + 1);
}
const { status } = spawnSync(process.execPath, [npm, 'run', ...parameters.slice(end)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
