/** A service that misbehaves, by the addon alone: `hangs`, `throws` or `fails`. Run by Node for Windows. */
import { windowsAddon } from '../../../native/windows/addon.ts';

const stopMsMax = 3_000;
const [how, name = ''] = process.argv.slice(2);
const addon = windowsAddon();
addon.beginService(name, stopMsMax, () => {});
if (how === 'throws') throw new Error('as bad programs do');
if (how === 'fails') {
  addon.endService(78);
  process.exit(78);
}
// From here on no JavaScript answers anybody.
for (;;);
