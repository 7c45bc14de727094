import type { JSX } from 'preact';
import type { AlertDelivery, AlertView, Verdict } from '../../api/contract.ts';
import { PanelTable } from '../shell/panel-table.tsx';
import { figuresOf, figureText } from './figures.ts';
import { Moment } from './marks.tsx';

interface ExplainProps {
  readonly view: AlertView;
  readonly nowMs: number;
}

/** What happened, in its order. */
export function Timeline({ view, nowMs }: ExplainProps): JSX.Element {
  return (
    <section class="panel timeline" aria-label="Timeline">
      <h2>Timeline</h2>
      <ol>
        {view.transitions.map(({ kind, at, reason }) => (
          <li key={`${kind} ${at}`} data-kind={kind}>
            <Moment ms={at} nowMs={nowMs} />
            <b>{kind}</b>
            <span class="why">{reason}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The rule as it is now, in the words of its file. */
export function RuleText({ view }: Pick<ExplainProps, 'view'>): JSX.Element {
  const { rule, alert } = view;
  return (
    <section class="panel rule" aria-label="Rule">
      <h2>
        Rule <small>{alert.rule}, as it is now</small>
      </h2>
      {rule === null ? (
        <p class="none">It is no longer in force.</p>
      ) : (
        <>
          <p class="about">{rule.about}</p>
          <dl>
            {entriesOf(rule).map(([key, text]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>
                  <code>{text}</code>
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </section>
  );
}

/** What was left out in the file, and what a rule about silence has no use for, is left out here. */
function entriesOf(rule: NonNullable<AlertView['rule']>): (readonly [string, string])[] {
  const labels = Object.entries(rule.labels).map(([name, value]) => `${name}: ${value}`);
  const entries: (readonly [string, string | null])[] = [
    ['silent', rule.silent],
    ['when', rule.when],
    ['for', rule.for],
    ['clear', rule.clear],
    ['clear_for', rule.clear_for],
    ['labels', labels.join(', ')],
    ['notify', rule.notify.join(', ')],
  ];
  return entries.flatMap(([key, text]) =>
    text === null || text === '' || text === '0s' ? [] : [[key, text] as const],
  );
}

export function Deliveries({ view, nowMs }: ExplainProps): JSX.Element {
  const { deliveries } = view;
  return (
    <PanelTable
      title="Notifications"
      columns={['notifier', 'about', 'outcome', 'when']}
      none={deliveries.length === 0 ? whyNobody(view) : null}
    >
      {deliveries.map((delivery) => (
        <tr key={`${delivery.notifier} ${delivery.status} ${delivery.at}`}>
          <th scope="row">
            <span class="text" title={delivery.notifier}>
              {delivery.notifier}
            </span>
          </th>
          <td>{delivery.status}</td>
          <td>
            <Outcome delivery={delivery} />
          </td>
          <td>
            <Moment ms={delivery.at} nowMs={nowMs} />
          </td>
        </tr>
      ))}
    </PanelTable>
  );
}

function whyNobody({ alert, rule }: AlertView): string {
  if (alert.fired_at === null) return 'Nobody is told of an alert before it fires.';
  return rule?.notify.length === 0 ? 'The rule names no notifier.' : 'None has gone out yet.';
}

function Outcome({ delivery }: { readonly delivery: AlertDelivery }): JSX.Element {
  const { outcome, attempts, error } = delivery;
  return (
    <>
      <span class="outcome" data-outcome={outcome}>
        {outcome}
      </span>
      {attempts > 1 && ` after ${attempts} attempts`}
      {error !== null && (
        <small class="error" title={error}>
          {error}
        </small>
      )}
    </>
  );
}

const verdictWords: Readonly<Record<Verdict, string>> = {
  breach: 'The rule’s condition holds',
  clear: 'It is clear again',
  between: 'Neither: between the thresholds',
  unknown: 'A figure that decides was not measured',
};

/** The newest first, as the one that is looked for stands on top. */
export function WindowTable({ view, nowMs }: ExplainProps): JSX.Element {
  const { windows, rule } = view;
  const figures = figuresOf(windows);
  return (
    <PanelTable
      title="Windows"
      columns={['end', ...figures, 'verdict']}
      none={windows.length === 0 ? whyNoWindow(rule) : null}
    >
      {windows.toReversed().map(({ end, values, verdict }) => (
        <tr key={end} data-verdict={verdict}>
          <th scope="row">
            <Moment ms={end} nowMs={nowMs} />
          </th>
          {figures.map((figure) => (
            <td key={figure}>{figureText(figure, values[figure])}</td>
          ))}
          <td>
            <span class="verdict" data-verdict={verdict} title={verdictWords[verdict]}>
              {verdict}
            </span>
          </td>
        </tr>
      ))}
    </PanelTable>
  );
}

function whyNoWindow(rule: AlertView['rule']): string {
  if (rule === null) return 'The rule is no longer there to judge them.';
  return rule.silent === null
    ? 'None is stored any more.'
    : 'A rule about silence looks at arrivals, not at windows.';
}
