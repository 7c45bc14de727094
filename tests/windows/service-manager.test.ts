/** What Windows is asked for when a service is installed, by the C of the addon itself. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { accountOf } from '../../native/windows/service/account.ts';
import { wineMissing } from './support/install.ts';
import { makeScm, makeWatchedAddon, mingwMissing } from './support/mingw.ts';
import { COLLECTOR, type Ran, Wine } from './support/wine.ts';

const name = 'windrow-collector';
const installed = 'C:\\Program Files\\windrow\\windrow-collector.exe';
const folder = 'C:\\ProgramData\\windrow';
/** Administrators own it; the system and they may do all in it; nobody else anything, nor inherits. */
const forAdministrators = 'O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)';
/** The service's own account may read, write, run and delete. */
const andTheService = `${forAdministrators}(A;OICI;0x1301bf;;;${accountOf(name).sid})`;

it.skipIf(wineMissing || mingwMissing())(
  'an older service becomes what a new one would be: settings, rights, restarts; and only administrators change it',
  async () => {
    await using wine = await Wine.start();
    const [scm, addon] = [makeScm(wine), makeWatchedAddon(wine)];
    const script = new URL('./support/manage-service.ts', import.meta.url);
    const good = ({ code, output }: Ran): string => {
      expect(code, output).toBe(0);
      return output;
    };
    const watched = (): string[] =>
      readFileSync(wine.driveC('watched.log'), 'utf8').trim().split('\n');

    // Not at the start of the machine, of another file, without a description, as the system.
    good(await wine.program(scm, 'create', name, 'C:\\old place\\collector.exe'));
    const output = good(await wine.script(script, addon, 'install', COLLECTOR, 'own'));
    expect(output).toContain(`updated the service ${name}\n`);
    expect(output).toContain(`${name} runs\n`);
    const words = [installed, 'service', 'run', `${folder}\\collector`];
    const settings = [
      'type: 0x10',
      'start: 2',
      'errors: 1',
      `command: ${words.map((word) => `"${word}"`).join(' ')}`,
      `account: NT SERVICE\\${name}`,
      'display name: windrow collector',
      'description: Nimmt Meßwerte an.',
      // As long as the longest stop, and the end of its process.
      'preshutdown ms: 35000',
    ];
    const asWanted = (): Promise<Ran> => wine.program(scm, 'query', name);
    const lines = (ran: Ran): string[] => good(ran).trim().split(/\r?\n/).slice(3);
    expect(lines(await asWanted())).toEqual(settings);
    expect(watched()).toEqual([
      `CreateDirectory ${folder} ${forAdministrators}`,
      ...['', '\\data', '\\code'].map(
        (inside) => `CreateDirectory ${folder}\\collector${inside} ${andTheService}`,
      ),
      'failures are forgotten after 3600 s',
      'failure 1: restart after 5000 ms',
      'failure 2: restart after 5000 ms',
      'failure 3: restart after 60000 ms',
      'an exit code is a failure: 1',
    ]);
    // It came as far as Wine's service manager, which keeps none of it.
    expect(wine.servicesSay()).toContain(
      'SERVICE_CONFIG_FAILURE_ACTIONS not implemented: period 3600',
    );

    const refused = good(await wine.script(script, addon, 'refused'));
    const why = `error 5: Access denied. | Run it again in a window opened with "Run as administrator".`;
    expect(refused.trim().split('\n')).toEqual([
      'services are for administrators to change | Run it again in a window opened with "Run as administrator".',
      // It runs.
      `${name} runs`,
      'done',
      `could not stop ${name}: ControlService: ${why}`,
      `could not stop ${name}: ControlService: ${why}`,
      expect.stringMatching(`^${name} runs \\(process \\d+\\)$`),
    ]);

    // The account too, and the folder's rights, where they are others by now.
    good(await wine.script(script, addon, 'install', COLLECTOR, 'system'));
    expect(lines(await asWanted())).toEqual(
      settings.with(settings.indexOf(`account: NT SERVICE\\${name}`), 'account: LocalSystem'),
    );
    // The owner, the rights, and that none are inherited.
    expect(watched()).toContain('SetFileSecurity 0x80000005');
    expect(watched()).toContain(`SetFileSecurity ${folder}\\collector ${forAdministrators}`);
  },
);
