import type { ComponentChildren, JSX } from 'preact';
import type { AlertView } from '../../api/contract.ts';
import { processesText } from '../lib/alerts.ts';
import { duration } from '../lib/format.ts';
import { formatRoute } from '../lib/route.ts';
import { BackIcon } from '../shell/icons.tsx';
import type { ExplainedAlert } from '../state/explained.ts';
import type { Model } from '../state/model.ts';
import { Subject } from './alert-row.tsx';
import { ExplainCharts } from './explain-charts.tsx';
import { Deliveries, RuleText, Timeline, WindowTable } from './explain-tables.tsx';
import { Moment, SeverityTag } from './marks.tsx';
import { outcomeOf, sentenceOf } from './sentence.ts';

interface ExplainPageProps {
  readonly model: Model;
  readonly explained: ExplainedAlert;
  readonly look: string;
}

/** One alert and why. */
export function ExplainPage({ model, explained, look }: ExplainPageProps): JSX.Element {
  const { view, isUnknown } = explained;
  const list = formatRoute({ ...model.route, view: { page: 'alerts', server: null } });
  return (
    <>
      <nav class="server-bar" aria-label="Alert">
        <a class="back" href={list}>
          <BackIcon /> All alerts
        </a>
      </nav>
      {isUnknown && (
        <section class="empty panel">
          <h1>The collector knows no such alert.</h1>
          <p>It may be older than what is kept, or the address is not whole.</p>
          <p>
            <a class="link" href={list}>
              To all alerts
            </a>
          </p>
        </section>
      )}
      {!isUnknown && view === null && <ExplainSkeleton />}
      {!isUnknown && view !== null && (
        <Explanation model={model} explained={explained} view={view} look={look} />
      )}
    </>
  );
}

interface ExplanationProps extends ExplainPageProps {
  readonly view: AlertView;
}

function Explanation(props: ExplanationProps): JSX.Element {
  const { model, view } = props;
  const nowMs = model.clock.now();
  const processes = processesText(view.alert);
  return (
    <>
      <section class="panel explain" data-alert={view.alert.id} data-state={view.alert.state}>
        <h1>{sentenceOf(view)}</h1>
        <p class="muted">{outcomeOf(view, nowMs)}</p>
        {processes !== '' && <p class="on-top">{processes}</p>}
        <Facts model={model} view={view} nowMs={nowMs} />
      </section>
      <ExplainCharts {...props} />
      <div class="explain-panels">
        <div class="explain-panels-left">
          <Timeline view={view} nowMs={nowMs} />
          <RuleText view={view} />
          <Deliveries view={view} nowMs={nowMs} />
        </div>
        <WindowTable view={view} nowMs={nowMs} />
      </div>
    </>
  );
}

interface FactsProps {
  readonly model: Model;
  readonly view: AlertView;
  readonly nowMs: number;
}

function Facts({ model, view, nowMs }: FactsProps): JSX.Element {
  const { alert } = view;
  const { starts_at, fired_at, ended_at } = alert;
  return (
    <dl class="facts">
      <Fact name="Severity">
        <SeverityTag severity={alert.severity} />
      </Fact>
      <Fact name="Server">
        <Subject alert={alert} route={model.route} />
      </Fact>
      <Fact name="Began">
        <Moment ms={starts_at} nowMs={nowMs} />
      </Fact>
      {fired_at !== null && (
        <Fact name="Fired">
          <Moment ms={fired_at} nowMs={nowMs} />
        </Fact>
      )}
      {ended_at !== null && (
        <Fact name="Ended">
          <Moment ms={ended_at} nowMs={nowMs} />
        </Fact>
      )}
      <Fact name="In all">{duration(((ended_at ?? nowMs) - starts_at) / 1000)}</Fact>
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  readonly children: ComponentChildren;
}

function Fact({ name, children }: FactProps): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="text">{children}</dd>
    </div>
  );
}

function ExplainSkeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      <div class="panel cards-blank" />
      <div class="panel chart-blank" />
    </div>
  );
}
