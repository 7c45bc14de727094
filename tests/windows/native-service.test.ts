import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ServiceAnswers, ServiceState } from '../../native/windows/addon.ts';
import { commandLineOf } from '../../native/windows/service/command-line.ts';
import { eventually } from '../support/http.ts';
import { inTimeOnce } from '../support/in-time.ts';
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
/** From outside, with Node's start and Wine's own server. */
const startMsMax = 10_000;
const answerMsMax = 1_000;
const testMsMax = 400_000;

async function measured(how: 'hangs' | 'throws' | 'fails'): Promise<Measured> {
  await using wine = await Wine.start();
  const script = new URL('./support/measure-service.ts', import.meta.url);
  const { code, output } = await wine.script(script, how);
  expect(code, output).toBe(0);
  return { ...(JSON.parse(output) as Measured), said: wine.servicesSay() };
}

function isInTime({ runningMs, answerMs, answers }: Measured): boolean {
  const { runningMs: ownRunningMs = 0, stopMs = 0 } = answers ?? {};
  const isQuick = ownRunningMs < runningMsMax && stopMs < stopMsMax;
  return isQuick && runningMs < startMsMax && answerMs < answerMsMax;
}

describe.skipIf(wineMissing)('a service whose JavaScript misbehaves', () => {
  it(
    'hangs: it runs for Windows, answers a stop, and its deadline ends the process',
    async () => {
      const { running, runningMs, answered, answerMs, ended, endedMs, answers, said } =
        await inTimeOnce(() => measured('hangs'), isInTime);
      expect(running.state).toBe(RUNNING);
      // With the start of Node; from there it is the addon's own thread.
      expect(runningMs).toBeLessThan(startMsMax);
      expect(answered?.state).toBe(STOP_PENDING);
      expect(answerMs).toBeLessThan(answerMsMax);
      // Not as a failure: Windows would start again what it was asked to stop.
      expect(ended).toMatchObject({ state: STOPPED, error: 0 });
      expect(endedMs).toBeGreaterThanOrEqual(3_000);
      // Without the start of processes, and what Wine's own server takes to tell others.
      expect(answers?.runningMs).toBeLessThan(runningMsMax);
      expect(answers?.stopMs).toBeLessThan(stopMsMax);
      expect(said).toMatch(/err:eventlog:ReportEventW L"It hung, and nothing is lost\."/);
    },
    testMsMax,
  );

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
      });
    const stopped = async (name: string, control: number): Promise<number | undefined> => {
      await ask('create', name, commandLineOf([NODE, script, 'stops', name, addon]));
      await ask('start', name);
      // Windows sends neither to who does not accept it: STOP 1, SHUTDOWN 4, PRESHUTDOWN 0x100.
      expect(await becomes(name, RUNNING)).toContain('accepts: 0x105');
      await ask('control', name, String(128 + control));
      expect(await becomes(name, STOPPED)).toMatch(/^error: 0\s/m);
      const file = readFileSync(wine.driveC(`${name}.json`), 'utf8');
      return (JSON.parse(file) as ServiceAnswers).stopMs;
    };
    for (const [control, number] of Object.entries({ SHUTDOWN: 5, PRESHUTDOWN: 15 })) {
      const tookMs = await inTimeOnce(
        (run) => stopped(`${control}${run}`, number),
        (ms) => ms !== undefined && ms < stopMsMax,
      );
      expect(tookMs).toBeLessThan(stopMsMax);
    }
  },
  testMsMax,
);
