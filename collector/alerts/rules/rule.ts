/** A rule: the form it has in alerts.yaml, and what it becomes. */
import { z } from 'zod';
import { duration } from '../../../runtime/config/units.ts';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { SEVERITIES, type Severity } from '../alert.ts';
import { notifierName } from '../notifiers/settings.ts';
import { Expression, expressionCharsMax, type Subject, SUBJECTS } from './expression.ts';

const labelsMax = 16;
const labelCharsMax = 200;
const notifiersOfRuleMax = 50;
/** Labels that every alert has. */
const OWN_LABELS = new Set(['alertname', 'server', 'severity']);

const expression = z.string().min(1).max(expressionCharsMax);
const label = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/, 'must be a name such as team');

export const ruleSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9 and -')
      .describe('By it the rule is known; its alerts keep their state while the name stays.'),
    about: z.string().min(1).max(200).describe('One sentence for whoever is notified.'),
    of: z.enum(SUBJECTS).default('server').describe('Each server for itself, or the whole fleet.'),
    when: expression.optional().describe('CEL over one window: cpu_pct.avg > 90'),
    clear: expression
      .optional()
      .describe('When it is over again; not `when` by default. In between, nothing changes.'),
    for: duration('0s', '7d').prefault('0s').describe('How long `when` must hold before it fires.'),
    clear_for: duration('0s', '7d')
      .prefault('0s')
      .describe('How long `clear` must hold before it is resolved.'),
    silent: duration('10s', '7d')
      .optional()
      .describe('Instead of `when`: nothing was heard of a server for so long, nor a goodbye.'),
    severity: z.enum(SEVERITIES),
    labels: z.record(label, z.string().max(labelCharsMax)).default({}),
    notify: z
      .array(notifierName)
      .max(notifiersOfRuleMax)
      .optional()
      .describe('Names of notifiers; all of them by default.'),
  })
  .superRefine((rule, context) => {
    const wrong = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    const { silent } = rule;
    if ((rule.when === undefined) === (silent === undefined)) {
      wrong('when', 'must be given, or silent, and not both');
    }
    if (silent !== undefined && rule.of === 'fleet') wrong('of', 'must be server beside silent');
    for (const key of ['clear', 'for', 'clear_for'] as const) {
      if (silent !== undefined && Boolean(rule[key])) wrong(key, 'has no meaning beside silent');
    }
    if (Object.keys(rule.labels).length > labelsMax) wrong('labels', `are more than ${labelsMax}`);
    for (const name of Object.keys(rule.labels)) {
      if (OWN_LABELS.has(name)) wrong('labels', `${name} is a label that every alert has`);
    }
  });

export type RuleSettings = z.output<typeof ruleSchema>;

/** By windows: `clear` undefined is whatever does not breach. */
export interface WindowCondition {
  readonly when: Expression;
  readonly clear: Expression | undefined;
}

export interface Rule {
  readonly name: string;
  readonly about: string;
  readonly of: Subject;
  /** Undefined for a rule about silence. */
  readonly condition: WindowCondition | undefined;
  /** Undefined for a rule about windows. */
  readonly silentMs: number | undefined;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly severity: Severity;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of notifiers. */
  readonly notify: readonly string[];
}

/** @throws WindrowError `config` naming rule and key */
export function compileRule(settings: RuleSettings, notifiers: readonly string[]): Rule {
  const { name, when, clear, of, notify = notifiers } = settings;
  const stranger = notify.find((notifier) => !notifiers.includes(notifier));
  if (stranger !== undefined) {
    throw new WindrowError('config', `rule ${name}: notify: there is no notifier ${stranger}`, {
      hint: `The notifiers are: ${notifiers.join(', ') || 'none'}.`,
    });
  }
  return {
    name,
    about: settings.about,
    of,
    condition:
      when === undefined
        ? undefined
        : {
            when: compiled({ rule: name, key: 'when', text: when, of }),
            clear:
              clear === undefined
                ? undefined
                : compiled({ rule: name, key: 'clear', text: clear, of }),
          },
    silentMs: settings.silent,
    forMs: settings.for,
    clearForMs: settings.clear_for,
    severity: settings.severity,
    labels: settings.labels,
    notify,
  };
}

interface Compiling {
  readonly rule: string;
  readonly key: string;
  readonly text: string;
  readonly of: Subject;
}

function compiled({ rule, key, text, of }: Compiling): Expression {
  try {
    return new Expression(text, of);
  } catch (cause) {
    const hint = cause instanceof WindrowError ? cause.hint : undefined;
    throw new WindrowError('config', `rule ${rule}: ${key}: ${messageOf(cause)}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
