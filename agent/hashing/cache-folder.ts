/** Where a user's programs keep what they can find out again. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** systemd's folder for a service, else that of the XDG base directories, or Windows' own. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const ofService = env['CACHE_DIRECTORY'];
  if (ofService) return ofService;
  const ofUser = process.platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_CACHE_HOME'];
  return join(ofUser || join(homedir(), '.cache'), 'windrow');
}
