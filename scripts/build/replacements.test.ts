import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { replacements } from './replacements.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The code of a module with what it imports. */
async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    plugins: [replacements(ROOT, new Set())],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
  });
  return outputFiles[0]?.text ?? '';
}

it('the command line loads nothing to start other programs with; our own code does', async () => {
  const code = await bundled("export { Command } from 'commander'");
  expect(code).toContain('showHelpAfterError');
  expect(code).not.toContain('node:child_process');
  expect(await bundled("export { spawn } from 'node:child_process'")).toContain(
    'node:child_process',
  );
});
