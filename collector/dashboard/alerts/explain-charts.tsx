import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { AlertView } from '../../api/contract.ts';
import { aligned } from '../chart/aligned.ts';
import { Chart } from '../chart/chart.tsx';
import { Legend, type LegendItem } from '../chart/legend.tsx';
import type { ChartLine, ChartLook } from '../chart/options.ts';
import { lineStyle } from '../chart/palette.ts';
import type { ChartSource, Pointed } from '../chart/plot.ts';
import type { Shade } from '../chart/shade.ts';
import { moment, shortRate } from '../lib/format.ts';
import type { ExplainedAlert } from '../state/explained.ts';
import type { Model } from '../state/model.ts';
import { figuresOf, figureText, limitText, plain, type Unit } from './figures.ts';
import { type Limit, limitsOf, limitWords } from './limits.ts';
import { byUnit, columnsOf } from './window-columns.ts';

interface ExplainChartsProps {
  readonly model: Model;
  readonly explained: ExplainedAlert;
  readonly view: AlertView;
  readonly look: string;
}

/** The values that the rule is about, over the windows around the alert. */
export function ExplainCharts(props: ExplainChartsProps): JSX.Element | null {
  const units = byUnit(figuresOf(props.view.windows));
  if (units.size === 0) return null;
  return (
    <section class="explain-charts" aria-label="Charts">
      {[...units].map(([unit, figures]) => (
        <ExplainChart key={unit} {...props} unit={unit} figures={figures} />
      ))}
    </section>
  );
}

const scales: Readonly<Record<Unit, Pick<ChartLook, 'top' | 'floor' | 'format' | 'wideAxis'>>> = {
  '%': { top: 100, format: (value) => `${value}%` },
  'B/s': { floor: 1_000, format: shortRate, wideAxis: true },
  number: { floor: 1, format: plain },
};

interface ExplainChartProps extends ExplainChartsProps {
  readonly unit: Unit;
  readonly figures: readonly string[];
}

function ExplainChart(props: ExplainChartProps): JSX.Element {
  const { model, explained, view, look, unit, figures } = props;
  const { rule } = view;
  const key = figures.join(' ');
  // Views come anew every few seconds with the same figures and the same rule.
  const lines = useMemo(() => linesOf(figures, rule), [key, rule?.when, rule?.clear]);
  const chartLook = useMemo(
    (): ChartLook => ({ lines, ...scales[unit], group: 'explain' }),
    [lines, unit, look],
  );
  const source = useMemo(() => sourceOf(explained, lines), [explained, lines]);
  return (
    <Chart
      title={figures.join(', ')}
      label={`${figures.join(' and ')} of each window around the alert`}
      frame={model.frame}
      look={chartLook}
      source={source}
      legend={(pointed) => (
        <>
          <Legend items={legendItems(explained, lines, pointed)} />
          <span class="shade-key">{view.alert.fired_at === null ? 'pending' : 'firing'}</span>
        </>
      )}
    />
  );
}

/** A line of the chart: a figure, or a limit that one is held against. */
interface ExplainLine extends ChartLine {
  readonly figure: string;
  /** Null for the figure itself. */
  readonly limit: Limit | null;
}

function linesOf(figures: readonly string[], rule: AlertView['rule']): ExplainLine[] {
  const limitLine = (limit: Limit, verb: string, color: string): ExplainLine => ({
    key: `${verb} ${limit.figure} ${limit.operator} ${limit.value}`,
    label: `${verb} ${limitWords[limit.operator]}`,
    color,
    dashed: true,
    width: 1,
    figure: limit.figure,
    limit,
  });
  const limits = [
    ...limitsOf(rule?.when ?? null).map((limit) => limitLine(limit, 'breach', '--bad')),
    ...limitsOf(rule?.clear ?? null).map((limit) => limitLine(limit, 'clear', '--good')),
  ];
  return [
    ...figures.map((figure, index) => ({
      key: figure,
      label: figure,
      ...lineStyle(index),
      figure,
      limit: null,
    })),
    ...limits.filter(({ figure }) => figures.includes(figure)),
  ];
}

function sourceOf(explained: ExplainedAlert, lines: readonly ExplainLine[]): ChartSource {
  const windows = (): AlertView['windows'] => explained.view?.windows ?? [];
  const columns = () =>
    columnsOf(
      windows(),
      lines.map(({ key }) => key),
    );
  const newestMs = (): number => windows().at(-1)?.end ?? 0;
  return {
    revision: () => explained.revision,
    newest: () => moment(newestMs(), explained.view?.now ?? 0),
    times: () => columns().times,
    stepMs: () => columns().stepMs,
    // A step more on both sides, where a label of the time axis finds room.
    span: () => {
      const { stepMs } = columns();
      return [(windows()[0]?.end ?? 0) - stepMs, newestMs() + stepMs];
    },
    shades: () => (explained.view === null ? [] : shadesOf(explained.view, newestMs())),
    data: () => {
      const { times, columns: values } = columns();
      const drawn = values.map((column, index) => {
        const limit = lines[index]?.limit ?? null;
        return limit === null ? column : times.map(() => limit.value);
      });
      return aligned(times, drawn);
    },
  };
}

/** From the breach to the firing lightly, from there to the end strongly. */
function shadesOf({ alert }: AlertView, newestMs: number): Shade[] {
  const { starts_at, fired_at, ended_at } = alert;
  const endMs = ended_at ?? newestMs;
  const color = '--bad';
  const pending = { fromMs: starts_at, toMs: fired_at ?? endMs, color, opacity: 0.06 };
  return fired_at === null
    ? [pending]
    : [pending, { fromMs: fired_at, toMs: endMs, color, opacity: 0.16 }];
}

function legendItems(
  explained: ExplainedAlert,
  lines: readonly ExplainLine[],
  pointed: Pointed,
): LegendItem[] {
  const { columns } = columnsOf(
    explained.view?.windows ?? [],
    lines.map(({ key }) => key),
  );
  return lines.map((line, index) => {
    const column = columns[index] ?? [];
    const { figure, limit } = line;
    const value = pointed.index === null ? column.at(-1) : column[pointed.index];
    const text = limit === null ? figureText(figure, value) : limitText(figure, limit.value);
    return { ...line, value: text };
  });
}
