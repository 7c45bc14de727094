/** Chooses what reads the metrics on this operating system. */
import { WindrowError } from '../../runtime/errors.ts';
import { linuxPlatform } from './linux/platform.ts';
import type { Platform, PlatformOptions } from './source.ts';
import { windowsPlatform } from './windows/platform.ts';

/** Throws WindrowError `usage` on an operating system whose metrics cannot be read yet. */
export function platformFor(os: NodeJS.Platform, options: PlatformOptions): Platform {
  if (os === 'linux') return linuxPlatform(options);
  if (os === 'win32') return windowsPlatform(options);
  throw new WindrowError('usage', `metrics for ${os} are not here yet`, {
    hint: 'Run the agent on Linux or Windows; the collector runs here and shows other machines.',
  });
}
