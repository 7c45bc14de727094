/** Loads an addon of ours: from a package, or from inside the single file. */
import { messageOf, WindrowError } from './errors.ts';
import { extractedTo, extractionFolders, extractionHint } from './extracted.ts';
import { isInside, readOwn } from './program.ts';

/**
 * @param path `ownPath` of the addon
 * @throws WindrowError `config` when it is inside the single file and no folder can be used
 */
export function loadAddon(path: string): unknown {
  if (!isInside(path)) return opened(path);
  const bytes = readOwn(path);
  const reasons: string[] = [];
  for (const folder of extractionFolders()) {
    try {
      using file = extractedTo(folder, bytes);
      return opened(file.path);
    } catch (error) {
      reasons.push(`${folder}: ${messageOf(error)}`);
    }
  }
  throw new WindrowError('config', `no folder for ${path}: ${reasons.join('; ')}`, {
    hint: extractionHint(),
  });
}

function opened(path: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}
