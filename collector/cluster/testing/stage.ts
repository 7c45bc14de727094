/** Collectors that join a fleet on a log in memory, and one server that sends. With fake timers. */
import { onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { SAMPLES_TOPIC } from '../../../wire/records/record.ts';
import { steady } from '../../ingest/testing/records.ts';
import { storedSamples, storedWindows } from '../../store/history.ts';
import {
  createFleetLog,
  GROUP,
  type Member,
  type MemberOptions,
  pass,
  send,
  startMember,
} from './members.ts';

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
/** How its agent calls it. */
export const pc = { server_id: 'pc', boot_id: 'boot' };

export function fleet(partitions?: Readonly<Record<string, number>>) {
  const fleetLog = createFleetLog(partitions);
  const { clock, log } = fleetLog;
  const members: Member[] = [];
  const folders = new Map<string, string>();
  return {
    ...fleetLog,
    fromMs: clock.wallMs(),
    /** Joins at once. @param more as `MemberOptions` has it */
    async start(
      name: string,
      rules = 'rules: []',
      more: Pick<MemberOptions, 'wal' | 'onSend'> = {},
    ): Promise<Member> {
      const dataDir = folders.get(name) ?? temporaryFolder();
      folders.set(name, dataDir);
      const member = startMember({ fleetLog, name, dataDir, rules, ...more });
      members.push(member);
      onTestFinished(() => {
        if (member.db.isOpen) member.db.close();
      });
      await vi.advanceTimersByTimeAsync(1);
      return member;
    },
    pass: (seconds: number) => pass(seconds, clock, members),
    /** One sample a second of `pc`, as they are measured. */
    async sendEachSecond(seconds: number, from = 0): Promise<void> {
      for (let i = from; i < from + seconds; i += 1) {
        send(fleetLog, steady(clock.wallMs(), 1, { seq: i }), pc);
        await pass(1, clock, members);
      }
    },
    /** Of the samples' partition that has any. */
    committed: () =>
      Math.max(
        ...log
          .committed(GROUP)
          .filter(({ topic }) => topic === SAMPLES_TOPIC)
          .map(({ offset }) => offset),
      ),
  };
}

export const finals = ({ db }: Member) =>
  [...storedWindows(db, everything)].filter((window) => window.final);
export const samples = ({ db }: Member) => [...storedSamples(db, everything)];
