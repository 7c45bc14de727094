/** What rules would have found in the stored windows: the lifecycle in order of time, nothing written. */
import type { DatabaseSync } from 'node:sqlite';
import type { Span } from '../store/queries.ts';
import type { Transition } from './alert.ts';
import { alertId } from './identity.ts';
import { facts, judge } from './judge.ts';
import { type AlertState, type Change, step } from './lifecycle.ts';
import type { Rule, WindowCondition } from './rules/rule.ts';
import { type StoredSubjectWindow, windowsInTime } from './store.ts';
import { reasonText } from './wording.ts';

export interface Rehearsing extends Span {
  readonly windowMs: number;
}

/** By time. Rules about silence find nothing: the store does not know who was expected. */
export function* rehearse(
  db: DatabaseSync,
  rules: readonly Rule[],
  { windowMs, ...span }: Rehearsing,
): Generator<Transition> {
  const states = new Map<string, AlertState>();
  for (const window of windowsInTime(db, span)) {
    for (const rule of rules) {
      const { condition } = rule;
      if (condition === undefined || (rule.of === 'fleet') !== (window.server === '')) continue;
      const key = `${rule.name}\0${window.server}`;
      const timing = { ...rule, gapMsMax: 2 * windowMs };
      const observation = { atMs: window.endMs, verdict: judge(condition, window.figures) };
      const { state, changes } = step(timing, states.get(key), observation);
      if (state === undefined) states.delete(key);
      else states.set(key, state);
      for (const change of changes) yield transitionOf(rule, change, { window, condition });
    }
  }
}

function transitionOf(
  { name: rule, severity }: Rule,
  { kind, atMs, startsAtMs, heldMs }: Change,
  { window, condition }: { window: StoredSubjectWindow; condition: WindowCondition },
): Transition {
  const { server, startMs, endMs, figures } = window;
  const values = facts(condition, figures);
  return {
    id: alertId(rule, server, startsAtMs),
    rule,
    server,
    kind,
    severity,
    atMs,
    startsAtMs,
    reason: reasonText(values, heldMs),
    window: { startMs, endMs, values },
    // The store keeps what was on top for hours, not for as long as windows.
    processes: null,
  };
}
