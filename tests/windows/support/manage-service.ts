/**
 * The collector's service, handled by the addon at a path: `install EXECUTABLE ACCOUNT`, or what a
 * user who is no administrator is told of each verb. Prints what people see. Run by Node for Windows.
 */
import { writeFileSync } from 'node:fs';
import type { WindowsAddon } from '../../../native/windows/addon.ts';
import { ServiceManager } from '../../../native/windows/service/manager.ts';
import { placesOf } from '../../../native/windows/service/places.ts';
import { loadAddon } from '../../../runtime/addon.ts';
import { WindrowError } from '../../../runtime/errors.ts';

const [path = '', verb, executable = '', account] = process.argv.slice(2);
const program = 'collector';
const about = 'Nimmt Meßwerte an.';
const places = placesOf(program, process.env);
const manager = new ServiceManager(
  loadAddon(path) as WindowsAddon,
  { program, about, account: account === 'own' ? 'own' : 'system' },
  places,
  say,
);
if (verb === 'install') {
  manager.checkMayChange();
  await manager.install(executable, () => writeFileSync(places.folder.settings, 'port: 0\n'));
} else {
  // watched.c asks for it.
  process.env['NO_ADMINISTRATOR'] = '1';
  await told(() => manager.checkMayChange());
  await told(() => manager.control.start());
  await told(() => manager.control.stop());
  await told(() => manager.uninstall(false));
  manager.control.status();
}

async function told(work: () => unknown): Promise<void> {
  try {
    await work();
    say('done');
  } catch (error) {
    if (!(error instanceof WindrowError)) throw error;
    say(`${error.message} | ${error.hint}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
