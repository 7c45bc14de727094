import { describe, expect, it } from 'vitest';
import type { ServiceState } from '../../native/windows/addon.ts';
import { wineMissing } from './support/install.ts';
import { Wine } from './support/wine.ts';

interface Measured {
  readonly running: ServiceState;
  readonly runningMs: number;
  readonly answered?: ServiceState;
  readonly answerMs: number;
  readonly ended: ServiceState;
  readonly endedMs: number;
}

const STOPPED = 1;
const STOP_PENDING = 3;
const RUNNING = 4;

async function measured(how: 'hangs' | 'throws' | 'fails'): Promise<Measured> {
  await using wine = await Wine.start();
  const script = new URL('./support/measure-service.ts', import.meta.url);
  const { code, output } = await wine.script(script, how);
  expect(code, output).toBe(0);
  return JSON.parse(output) as Measured;
}

describe.skipIf(wineMissing)('a service whose JavaScript misbehaves', () => {
  it('hangs: it runs for Windows, answers a stop, and its deadline ends the process', async () => {
    const { running, runningMs, answered, answerMs, ended, endedMs } = await measured('hangs');
    expect(running.state).toBe(RUNNING);
    // With the start of Node; from there it is the addon's own thread.
    expect(runningMs).toBeLessThan(10_000);
    expect(answered?.state).toBe(STOP_PENDING);
    expect(answerMs).toBeLessThan(1_000);
    // Not as a failure: Windows would start again what it was asked to stop.
    expect(ended).toMatchObject({ state: STOPPED, error: 0 });
    expect(endedMs).toBeGreaterThanOrEqual(3_000);
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
