/** A fleet whose collectors judge and tell, with one receiver for all of them. The test uses fake timers. */
import { onTestFinished } from 'vitest';
import { WindrowError } from '../../../../runtime/errors.ts';
import { temporaryFolder } from '../../../../runtime/testing/temporary-folder.ts';
import { ALERTS_TOPIC, type AlertRecordOnWire } from '../../../../wire/records/alert-record.ts';
import type { ProgramLog } from '../../../../wire/transport/log/memory.ts';
import { partitionOf } from '../../../../wire/transport/log/partition.ts';
import type { AlertNotice } from '../../../alerts/alert.ts';
import type { Notifier } from '../../../alerts/notifiers/port.ts';
import { goodbye, sample } from '../../../ingest/testing/records.ts';
import { createFleetLog, type Member, pass, send, startMember } from '../../testing/members.ts';

const slots = 3;

/** A name whose records come in that slot. */
export function serverIn(slot: number): string {
  for (let i = 0; ; i += 1) if (partitionOf(`pc-${i}`, slots) === slot) return `pc-${i}`;
}

/** Fires when the CPU is busy, once it was for 20 s; and who is silent for a minute. */
export const RULES = `
rules:
  - { name: cpu, about: CPU is high., when: cpu_pct.avg > 90, for: 20s, severity: critical }
  - { name: silent, about: Not heard., silent: 60s, severity: warning }
notifiers:
  ops: { type: command, command: [notify] }
`;

export interface Arrived
  extends Pick<AlertNotice, 'id' | 'status' | 'rule' | 'server' | 'startsAtMs' | 'fingerprint'> {
  /** Who sent it. */
  readonly by: string;
  /** Of the notification that it was in. */
  readonly key: string;
  /** Whether its sender could tell nobody that it sent it. */
  readonly isUntold: boolean;
}

export type AlertFleet = ReturnType<typeof alertFleet>;

export function alertFleet(rules = RULES, newFolder = temporaryFolder) {
  const fleetLog = createFleetLog();
  const { clock, log } = fleetLog;
  const members = new Map<string, Member>();
  const folders = new Map<string, string>();
  const arrived: Arrived[] = [];
  const seqs = new Map<string, number>();
  const receiver = {
    isDown: false,
    /** Whether the alerts file names it no longer. */
    isRemoved: false,
    /** How long it takes to answer. */
    answerMs: 0,
    /** Whoever sends next is killed when it has arrived. */
    killsNext: false,
    /** Whoever writes into the log for the nth time from now is killed before that; 0: nobody. */
    killsAtSend: 0,
    /** Whether a member is killed before it writes into that topic. */
    killsBefore: undefined as ((member: Member, topic: string) => boolean) | undefined,
    onKill: undefined as ((member: Member) => void) | undefined,
  };

  const notifier = (member: () => Member): Notifier => ({
    async send({ key, notices }) {
      const { name, recordsNothing: isUntold } = member();
      if (receiver.isDown) {
        throw new WindrowError('unreachable', 'nobody is there', { retryable: true });
      }
      for (const { id, status, rule, server, startsAtMs, fingerprint } of notices) {
        const notice = { id, status, rule, server, startsAtMs, fingerprint };
        arrived.push({ ...notice, by: name, key, isUntold });
      }
      await new Promise((resolve) => setTimeout(resolve, receiver.answerMs));
      if (receiver.killsNext) {
        receiver.killsNext = false;
        kill(member());
      }
      return 'ok';
    },
  });
  const kill = (member: Member): void => {
    receiver.onKill?.(member);
    member.kill();
  };
  const onSend = (member: Member, topic: string): void => {
    if (receiver.killsBefore?.(member, topic) === true) return kill(member);
    if (receiver.killsAtSend === 0) return;
    receiver.killsAtSend -= 1;
    if (receiver.killsAtSend === 0) kill(member);
  };
  const up = (): Member[] => [...members.values()].filter(({ db }) => db.isOpen);

  return {
    log,
    clock,
    arrived,
    receiver,
    /** What arrived, as `status rule server`. */
    told: () => arrived.map(({ status, rule, server }) => `${status} ${rule} ${server}`),
    /** @param program see `MemberOptions` */
    start(name: string, program?: ProgramLog): Member {
      const dataDir = folders.get(name) ?? newFolder();
      folders.set(name, dataDir);
      const hasNotifier = (): boolean => !receiver.isRemoved;
      const how = { rules, notifier, onSend, hasNotifier };
      const member = startMember({ fleetLog, name, dataDir, program, ...how });
      members.set(name, member);
      onTestFinished(() => {
        if (member.db.isOpen) member.db.close();
      });
      return member;
    },
    /** A sample of each server for each second, with that much CPU; nothing of a server without. */
    async run(seconds: number, cpu: Readonly<Record<string, number>> = {}): Promise<void> {
      for (let i = 0; i < seconds; i += 1) {
        for (const [server, pct] of Object.entries(cpu)) {
          const seq = seqs.get(server) ?? 0;
          seqs.set(server, seq + 1);
          const record = sample({ ts: clock.wallMs(), seq, server_id: server, cpu_pct: pct });
          send(fleetLog, [record], { server_id: server, boot_id: 'boot' });
        }
        await pass(1, clock, up());
      }
    },
    goodbye(server: string): void {
      send(fleetLog, [goodbye(server, 'boot', clock.wallMs())], { server_id: server });
    },
    /** The newest record of each key of the topic. */
    topic(): Map<string, AlertRecordOnWire> {
      const records = log.records(ALERTS_TOPIC).flatMap(({ value }) => value ?? []);
      const parsed = records.map((value) => JSON.parse(value.toString()) as AlertRecordOnWire);
      return new Map(parsed.map((record) => [`${record.rule}|${record.server}`, record]));
    },
    /** Active alerts that the page of this member shows, as `kind rule server`. */
    shownBy: ({ engine, cluster, db }: Member): string[] =>
      [...engine.active(), ...cluster.othersAlerts(db)]
        .map(({ kind, rule, server }) => `${kind} ${rule} ${server}`)
        .sort(),
  };
}
