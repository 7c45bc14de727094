import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { steady } from '../ingest/testing/records.ts';
import { createFleetLog, type Member, pass, send, startMember } from './testing/members.ts';
import { pc, samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** With collectors of the one name, and a server that sends. */
function sameNames() {
  const fleetLog = createFleetLog();
  const members: Member[] = [];
  const start = (dataDir: string, log = fleetLog.log): Member => {
    const member = startMember({ fleetLog: { ...fleetLog, log }, name: 'host-1', dataDir });
    members.push(member);
    onTestFinished(() => {
      if (member.db.isOpen) member.db.close();
    });
    return member;
  };
  let seq = 0;
  const sendEachSecond = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i += 1) {
      send(fleetLog, steady(fleetLog.clock.wallMs(), 1, { seq: (seq += 1) }), pc);
      await pass(1, fleetLog.clock, members);
    }
  };
  const stop = async (member: Member): Promise<void> => {
    members.splice(members.indexOf(member), 1);
    await member.stop();
  };
  return { log: fleetLog.log, start, stop, sendEachSecond };
}

const errors = ({ lines }: Member) => lines.filter(({ level }) => level === 'error');
const replaced = 'another member of group windrow is called host-1';

it('of two collectors with one name the first waits, with one word about it, until the other has gone', async () => {
  const { start, stop, sendEachSecond } = sameNames();
  const folder = temporaryFolder();
  const first = start(folder);
  await sendEachSecond(10);
  const copy = start(temporaryFolder());
  await sendEachSecond(60);
  expect(errors(first)).toMatchObject([
    {
      error: replaced,
      hint: expect.stringContaining(join(folder, 'member')) as string,
    },
  ]);
  expect(first.cluster.failure).toBe(replaced);
  expect(errors(copy)).toEqual([]);
  // The copy has all that no window of the first one was final with, and goes on undisturbed.
  expect(samples(copy)).toHaveLength(70);
  const assigned = copy.lines.filter(({ msg }) => msg === 'reads these partitions of the log');
  expect(assigned).toHaveLength(1);
  await stop(copy);
  await sendEachSecond(20);
  expect(first.cluster.failure).toBeUndefined();
  expect(first.lines).toContainEqual(
    expect.objectContaining({ level: 'info', msg: 'records are taken in again' }),
  );
  expect(samples(first).at(-1)?.seq).toBe(90);
  expect(errors(first)).toHaveLength(1);
});

it('while it waits it tells what keeps it from looking, and does not take the name back', async () => {
  const { log, start, stop, sendEachSecond } = sameNames();
  let refusal: WindrowError | undefined;
  const refusing: typeof log = {
    ...log,
    admin() {
      const admin = log.admin();
      const hasMember: typeof admin.hasMember = async (of, signal) => {
        if (refusal !== undefined) throw refusal;
        return admin.hasMember(of, signal);
      };
      return { ...admin, hasMember };
    },
  };
  const first = start(temporaryFolder(), refusing);
  await sendEachSecond(10);
  const copy = start(temporaryFolder());
  await sendEachSecond(20);
  expect(first.cluster.failure).toBe(replaced);
  refusal = new WindrowError('unauthorized', 'the broker does not allow it', { hint: 'Allow it.' });
  await sendEachSecond(20);
  expect(first.cluster.failure).toBe(refusal.message);
  expect(errors(first).slice(1)).toMatchObject([{ error: refusal.message, hint: 'Allow it.' }]);
  refusal = undefined;
  await sendEachSecond(20);
  expect(first.cluster.failure).toBe(replaced);
  expect(errors(copy)).toEqual([]);
  await stop(copy);
  await sendEachSecond(20);
  expect(first.cluster.failure).toBeUndefined();
});
