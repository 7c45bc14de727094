/** An alert in a sentence or two. Pure. */
import type { AlertView } from '../../api/contract.ts';
import { subjectOf } from '../lib/alerts.ts';
import { duration, moment } from '../lib/format.ts';
import { figureText, limitText } from './figures.ts';
import { isBeyond, limitWords, soleLimit } from './limits.ts';

const verbs = { pending: 'is pending', dropped: 'was pending', firing: 'fired', resolved: 'fired' };

/** Which rule, where, when and why: `cpu-high fired on pc-07 at 14:03:20 because …`. */
export function sentenceOf(view: AlertView): string {
  const { alert, transitions, now } = view;
  const what = `${alert.rule} ${verbs[alert.state]} on ${subjectOf(alert)}`;
  if (alert.fired_at !== null) return `${what} at ${moment(alert.fired_at, now)}${whyFired(view)}`;
  const reason = transitions[0]?.reason ?? alert.reason;
  return `${what} since ${moment(alert.starts_at, now)}: ${reason}`;
}

/**
 * In words where the rule is one comparison; the rule is as it is now, so that it must also be true
 * of the values from then. Otherwise the reason as it was given when it fired.
 */
function whyFired({ alert, rule, transitions }: AlertView): string {
  const firing = transitions.find(({ kind }) => kind === 'firing');
  const limit = soleLimit(rule?.when ?? null);
  const value = limit === null ? undefined : firing?.values?.[limit.figure];
  if (rule === null || limit === null || value === undefined || !isBeyond(limit, value)) {
    return `: ${firing?.reason ?? alert.reason}`;
  }
  const { figure, operator } = limit;
  const words = `${limitWords[operator]} ${limitText(figure, limit.value)}`;
  const held = rule.for === '0s' ? `was ${words}` : `stayed ${words} for ${rule.for}`;
  return ` because ${figure} ${held}: ${figureText(figure, value)}`;
}

/** What has become of it. */
export function outcomeOf({ alert, rule }: AlertView, nowMs: number): string {
  const { starts_at, fired_at, ended_at, reason } = alert;
  const until = ended_at ?? nowMs;
  const lasted = duration((until - (fired_at ?? starts_at)) / 1000);
  switch (alert.state) {
    case 'pending':
      return `Pending for ${lasted}.${rule === null ? '' : ` It fires when this holds for ${rule.for}.`}`;
    case 'firing':
      return `Firing for ${lasted}.`;
    case 'resolved':
      return `Resolved at ${moment(until, nowMs)} after ${lasted}: ${reason}.`;
    case 'dropped':
      return `It was over after ${lasted}, before it fired: ${reason}.`;
  }
}
