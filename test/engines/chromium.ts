/** Runs webgpu and webgl in a headless Chromium. */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import type { EngineRun } from '../tfjs/engineReport.js';
import type { PageResult } from './page.js';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** On Linux, WebGPU is behind a flag, and SwiftShader behind another one. */
const WEBGPU = ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
const SWIFTSHADER = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

async function runOnPage(browser: Browser, engine: 'webgpu' | 'webgl', script: string): Promise<PageResult> {
  const page = await browser.newPage();
  page.on('console', (message) => {
    console.error(message.text());
  });
  // WebGPU needs a secure context, which localhost is. The route answers; no server runs.
  await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto('http://localhost/');
  await page.addScriptTag({ content: script });
  try {
    return await page.evaluate(
      (name) => (globalThis as unknown as { engines: Record<string, () => Promise<PageResult>> }).engines[name](),
      engine,
    );
  } finally {
    await page.close();
  }
}

/** Runs the engine with the first set of flags that makes it available. */
async function run(executablePath: string, engine: 'webgpu' | 'webgl', script: string): Promise<EngineRun> {
  const name = `chromium-${engine}`;
  let reason = '';
  for (const flags of engine === 'webgpu' ? [WEBGPU, SWIFTSHADER] : [[]]) {
    // Without a sandbox, because Chromium refuses to run as root with one, and containers run as root.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...flags] });
    try {
      const result = await runOnPage(browser, engine, script);
      if (!('reason' in result)) return { engine: name, status: 'RAN', ...result };
      ({ reason } = result);
    } finally {
      await browser.close();
    }
  }
  return { engine: name, status: 'SKIPPED', reason };
}

export async function chromiumRun(engine: 'webgpu' | 'webgl'): Promise<EngineRun> {
  const executable = process.env['CHROMIUM'] ?? EXECUTABLES.find((path) => existsSync(path));
  if (executable !== undefined) return run(executable, engine, await bundle());
  return {
    engine: `chromium-${engine}`,
    status: 'SKIPPED',
    reason: 'no Chromium: install it with apt-get install chromium, or set CHROMIUM to its path',
  };
}
