import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ServiceAnswers, ServiceState } from '../../native/windows/addon.ts';
import { commandLineOf } from '../../native/windows/service/command-line.ts';
import { eventually } from '../support/http.ts';
import { wineMissing } from './support/install.ts';
import { makeScm, makeWatchedAddon, mingwMissing } from './support/mingw.ts';
import { NODE, pathOfScript, Wine } from './support/wine.ts';

interface Measured {
  readonly running: ServiceState;
  readonly runningMs: number;
  readonly answered?: ServiceState;
  readonly answerMs: number;
  readonly ended: ServiceState;
  readonly endedMs: number;
  /** Of one that was asked to stop. */
  readonly answers?: ServiceAnswers;
  readonly said: string;
}

const STOPPED = 1;
const STOP_PENDING = 3;
const RUNNING = 4;
/** What every service owes Windows, as measured in the addon. */
const runningMsMax = 1_000;
const stopMsMax = 100;

async function measured(how: 'hangs' | 'throws' | 'fails'): Promise<Measured> {
  await using wine = await Wine.start();
  const script = new URL('./support/measure-service.ts', import.meta.url);
  const { code, output } = await wine.script(script, how);
  expect(code, output).toBe(0);
  return { ...(JSON.parse(output) as Measured), said: wine.servicesSay() };
}

describe.skipIf(wineMissing)('a service whose JavaScript misbehaves', () => {
  it('hangs: it runs for Windows, answers a stop, and its deadline ends the process', async () => {
    const { running, runningMs, answered, answerMs, ended, endedMs, answers, said } =
      await measured('hangs');
    expect(running.state).toBe(RUNNING);
    // With the start of Node; from there it is the addon's own thread.
    expect(runningMs).toBeLessThan(10_000);
    expect(answered?.state).toBe(STOP_PENDING);
    expect(answerMs).toBeLessThan(1_000);
    // Not as a failure: Windows would start again what it was asked to stop.
    expect(ended).toMatchObject({ state: STOPPED, error: 0 });
    expect(endedMs).toBeGreaterThanOrEqual(3_000);
    // Without the start of processes, and what Wine's own server takes to tell others.
    expect(answers?.runningMs).toBeLessThan(runningMsMax);
    expect(answers?.stopMs).toBeLessThan(stopMsMax);
    expect(said).toMatch(/err:eventlog:ReportEventW L"It hung, and nothing is lost\."/);
  });

  it('throws: Windows sees a crash, after which it starts the service again', async () => {
    const { ended } = await measured('throws');
    expect(ended).toMatchObject({ state: STOPPED, error: 1067 });
  });

  it('ends with an exit code: Windows keeps it', async () => {
    const { ended } = await measured('fails');
    expect(ended).toMatchObject({ state: STOPPED, error: 1066, exitCode: 78 });
  });
});

it.skipIf(wineMissing || mingwMissing())(
  'SHUTDOWN and PRESHUTDOWN are accepted, answered and done like a stop',
  async () => {
    await using wine = await Wine.start();
    const [scm, addon] = [makeScm(wine), makeWatchedAddon(wine)];
    const script = pathOfScript(new URL('./support/hostile-service.ts', import.meta.url));
    const ask = async (...words: string[]): Promise<string> => {
      const { code, output } = await wine.program(scm, ...words);
      expect(code, output).toBe(0);
      return output;
    };
    const becomes = (name: string, state: number): Promise<string> =>
      eventually(async () => {
        const about = await ask('query', name);
        expect(about).toMatch(new RegExp(`^state: ${state}\\s`));
        return about;
      }, 30_000);
    for (const [name, control] of Object.entries({ SHUTDOWN: 5, PRESHUTDOWN: 15 })) {
      await ask('create', name, commandLineOf([NODE, script, 'stops', name, addon]));
      await ask('start', name);
      // Windows sends neither to who does not accept it: STOP 1, SHUTDOWN 4, PRESHUTDOWN 0x100.
      expect(await becomes(name, RUNNING)).toContain('accepts: 0x105');
      await ask('control', name, String(128 + control));
      expect(await becomes(name, STOPPED)).toMatch(/^error: 0\s/m);
      const file = readFileSync(wine.driveC(`${name}.json`), 'utf8');
      expect((JSON.parse(file) as ServiceAnswers).stopMs).toBeLessThan(stopMsMax);
    }
  },
);
