/**
 * A service by the addon alone, or by the one at a path that is given: it `hangs`, `throws`, `fails`
 * or `stops` when it is asked to. What the addon then has measured is in a file on C:. Run by Node
 * for Windows.
 */
import { writeFileSync } from 'node:fs';
import { type WindowsAddon, windowsAddon } from '../../../native/windows/addon.ts';
import { loadAddon } from '../../../runtime/addon.ts';

const stopMsMax = 3_000;
const [how, name = '', path] = process.argv.slice(2);
const addon = path === undefined ? windowsAddon() : (loadAddon(path) as WindowsAddon);
addon.beginService(name, stopMsMax, 'It hung, and nothing is lost.', end);
if (how === 'throws') throw new Error('as bad programs do');
if (how === 'fails') {
  addon.endService(78);
  process.exit(78);
}
if (how === 'hangs') hang();
const keepsGoing = setInterval(() => {}, 60_000);

function end(): void {
  writeAnswers();
  clearInterval(keepsGoing);
  addon.endService(0);
}

/** From here on no JavaScript answers anybody. */
function hang(): never {
  while (addon.serviceAnswers().stopMs === undefined);
  writeAnswers();
  for (;;);
}

function writeAnswers(): void {
  writeFileSync(`C:\\${name}.json`, JSON.stringify(addon.serviceAnswers()));
}
