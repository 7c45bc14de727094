/** How a server's samples come, in words. Pure. */
import type { CatchingUp, Delivery, ServerSummary } from '../../api/contract.ts';
import { wordFor } from '../../../runtime/plural.ts';
import { ABSENT, ago, duration, moment } from './format.ts';

const wholeNumber = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,300` */
export function whole(value: number): string {
  return wholeNumber.format(value);
}

/** `catching up: 12,300 samples, about 2 min`; without the time while that is not known. */
export function catchUpText({ waiting, left_ms }: CatchingUp): string {
  const head = `catching up: ${whole(waiting)} ${wordFor(waiting, 'sample')}`;
  return left_ms === null ? head : `${head}, about ${about(left_ms / 1_000)}`;
}

/** Coarse, so that it does not flicker: tens of seconds, then minutes. */
function about(seconds: number): string {
  if (seconds <= 50) return duration(Math.max(1, Math.ceil(seconds / 10)) * 10);
  return duration(Math.max(1, Math.round(seconds / 60)) * 60);
}

export interface Badge {
  readonly text: string;
  /** The sentence behind it. */
  readonly why: string;
  readonly warns: boolean;
}

/** What is unusual about a server; of one that is as it should be nothing. */
export function badgesOf(server: ServerSummary): Badge[] {
  const { skewed, clock_offset_ms: offsetMs, conflict, lost, replayed } = server;
  const badges: Badge[] = [];
  if (skewed) {
    const off = offsetMs === null ? 'more than 5 s' : `${(offsetMs / 1000).toFixed(1)} s`;
    const why = `Its clock is off by ${off}: kept out of the fleet's windows`;
    badges.push({ text: 'skewed', why, warns: true });
  }
  if (conflict) {
    const why = 'Two agents send under this name: give each its own server_id';
    badges.push({ text: 'two agents', why, warns: true });
  }
  if (lost > 0) {
    const why = 'Samples that its agent no longer has and that never came';
    badges.push({ text: `${whole(lost)} lost`, why, warns: true });
  }
  if (replayed) {
    const why = 'Comes from a replayed file: its times are gone by';
    badges.push({ text: 'replay', why, warns: false });
  }
  return badges;
}

/** Which two take turns, and where they are; null when nobody does. */
export function conflictText({ conflict }: Delivery): string | null {
  if (conflict === null) return null;
  const [one, other] = conflict.senders.map(
    ({ boot_id, remote }) => `boot ${boot_id} from ${remote}`,
  );
  return `Two agents send under this name: ${one} and ${other}. Give each its own server_id.`;
}

export interface DeliveryFact {
  readonly name: string;
  readonly value: string;
  readonly why: string;
  readonly warns: boolean;
}

export function deliveryFacts(delivery: Delivery, server: ServerSummary, nowMs: number) {
  const { received, late, duplicates, lost, boot } = delivery;
  const fact = (name: string, value: string, why: string, warns = false): DeliveryFact => ({
    name,
    value,
    why,
    warns,
  });
  return [
    fact('Received', whole(received), 'Samples stored, each once'),
    fact('Late', whole(late), 'Came after their window was final: stored, in no window'),
    fact('Repeated', whole(duplicates), 'Sent again after an answer got lost: known, not stored'),
    fact('Lost', whole(lost), 'Its agent no longer has them and they never came', lost > 0),
    fact(
      'Clock',
      clockText(server.clock_offset_ms),
      'Its clock against the collector’s',
      server.skewed,
    ),
    fact('Agent started', startedText(boot, nowMs), bootText(boot, nowMs)),
  ];
}

function clockText(offsetMs: number | null): string {
  if (offsetMs === null) return ABSENT;
  if (Math.abs(offsetMs) < 1_000) return 'right';
  const seconds = (Math.abs(offsetMs) / 1_000).toFixed(1);
  return `${seconds} s ${offsetMs < 0 ? 'behind' : 'ahead'}`;
}

function startedText(boot: Delivery['boot'], nowMs: number): string {
  const startedMs = boot?.started_ms ?? null;
  return startedMs === null ? ABSENT : ago(nowMs - startedMs, 0);
}

function bootText(boot: Delivery['boot'], nowMs: number): string {
  if (boot === null) return 'it has not told which run of its agent sends';
  const { id, first_heard_ms: heardMs } = boot;
  return heardMs === null ? `boot ${id}` : `boot ${id}, first heard ${moment(heardMs, nowMs)}`;
}
