import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { aligned } from '../chart/aligned.ts';
import { Chart } from '../chart/chart.tsx';
import { Legend, type LegendItem } from '../chart/legend.tsx';
import type { ChartLine, ChartLook } from '../chart/options.ts';
import { lineStyle } from '../chart/palette.ts';
import type { ChartSource, Pointed } from '../chart/plot.ts';
import { percent } from '../lib/format.ts';
import type { Grid } from '../lib/grid.ts';
import { average, latest } from '../lib/scale.ts';
import type { Model } from '../state/model.ts';

/** With more servers, single colours tell nothing: a faint crowd, its average, and the pointed one. */
const namedLinesMax = 12;
/** So few that they fit beside the title. */
const besideLinesMax = 3;
const averageKey = 'average';

interface FleetChartsProps {
  readonly model: Model;
  readonly look: string;
  readonly emphasis: number | null;
  readonly onEmphasis: (id: number | null) => void;
}

export function FleetCharts(props: FleetChartsProps): JSX.Element {
  const { model, look } = props;
  const ids = model.fleet.lineIds();
  // New arrays with the same servers must not make new charts.
  const idKey = ids.join(' ');
  const lines = useMemo(() => linesOf(model, ids), [idKey, look]);
  return (
    <section class="fleet-charts" aria-label="CPU and memory by server">
      <FleetChart {...props} lines={lines} title="CPU" metric="cpu" />
      <FleetChart {...props} lines={lines} title="Memory" metric="mem" />
    </section>
  );
}

function linesOf(model: Model, ids: readonly number[]): ChartLine[] {
  const crowd = ids.length > namedLinesMax;
  // The more lines lie over one another, the less of each.
  const faint = Math.max(0.18, Math.min(0.5, 12 / ids.length));
  const lines = ids.map((id, index): ChartLine => {
    const label = model.fleet.servers.get(id)?.server_id ?? '';
    if (crowd) return { key: String(id), label, color: '--line-crowd', width: 1, faint };
    return { key: String(id), label, ...lineStyle(index), area: ids.length === 1 };
  });
  if (!crowd) return lines;
  return [...lines, { key: averageKey, label: 'average', color: '--ink', width: 2 }];
}

interface FleetChartProps extends FleetChartsProps {
  readonly lines: readonly ChartLine[];
  readonly title: string;
  readonly metric: 'cpu' | 'mem';
}

function FleetChart(props: FleetChartProps): JSX.Element {
  const { model, lines, title, metric, emphasis, onEmphasis } = props;
  const look = useMemo(
    (): ChartLook => ({ lines, format: (value) => `${value}%`, top: 100, group: 'fleet' }),
    [lines],
  );
  const source = useMemo(() => sourceOf(model, metric, lines), [model, metric, lines]);
  const tell = useMemo(
    () => (key: string | null) => onEmphasis(key === null ? null : Number(key) || null),
    [onEmphasis],
  );
  const grid = model.fleet[metric];
  return (
    <Chart
      title={title}
      label={`${title} of each server over the last ${model.route.range} minutes`}
      frame={model.frame}
      look={look}
      source={source}
      emphasis={emphasis === null ? null : String(emphasis)}
      onEmphasis={tell}
      legend={(pointed) => (
        <Legend
          columns={lines.length <= namedLinesMax && lines.length > besideLinesMax}
          items={legendItems(lines, grid, pointed, emphasis)}
          onPoint={tell}
        />
      )}
    />
  );
}

function sourceOf(model: Model, metric: 'cpu' | 'mem', lines: readonly ChartLine[]): ChartSource {
  const { fleet } = model;
  return {
    revision: () => fleet.revision,
    newest: () => 'now',
    times: () => fleet[metric].times,
    stepMs: () => fleet[metric].stepMs,
    span: () => [model.clock.now() - fleet.range * 60_000, model.clock.now()],
    data: () => {
      const grid = fleet[metric];
      const columns = lines
        .filter((line) => line.key !== averageKey)
        .map((line) => grid.column(Number(line.key)));
      const last = lines.length > columns.length ? [average(columns, grid.stepMs)] : [];
      return aligned(grid.times, [...columns, ...last]);
    },
  };
}

function legendItems(
  lines: readonly ChartLine[],
  grid: Grid<number>,
  pointed: Pointed,
  emphasis: number | null,
): LegendItem[] {
  const valueOf = (column: readonly (number | null)[]): string =>
    percent(pointed.index === null ? latest(column, grid.stepMs) : column[pointed.index]);
  const itemOf = (line: ChartLine): LegendItem => ({
    ...line,
    value: valueOf(grid.column(Number(line.key))),
  });
  if (lines.length <= namedLinesMax) return lines.map(itemOf);
  const columns = lines.slice(0, -1).map((line) => grid.column(Number(line.key)));
  const named = lines.find((line) => line.key === String(emphasis));
  const whole = { key: averageKey, label: `average of ${columns.length}`, color: '--ink' };
  return [
    { ...whole, value: valueOf(average(columns, grid.stepMs)) },
    ...(named === undefined ? [] : [itemOf(named)]),
  ];
}
