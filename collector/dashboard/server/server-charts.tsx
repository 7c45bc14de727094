import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { aligned } from '../chart/aligned.ts';
import { Chart } from '../chart/chart.tsx';
import { Legend, type LegendItem } from '../chart/legend.tsx';
import type { ChartLook } from '../chart/options.ts';
import type { ChartSource, Pointed } from '../chart/plot.ts';
import { clockTime } from '../lib/format.ts';
import type { Column } from '../lib/grid.ts';
import { latest, stack } from '../lib/scale.ts';
import type { MachineState } from '../state/machine.ts';
import type { Model } from '../state/model.ts';
import { factorOf, fitted, SERVER_CHARTS, type ServerChartSpec, whyNoLine } from './chart-specs.ts';

interface ServerChartsProps {
  readonly model: Model;
  readonly machine: MachineState;
  readonly look: string;
}

export function ServerCharts(props: ServerChartsProps): JSX.Element {
  return (
    <section class="server-charts" aria-label="Charts">
      {SERVER_CHARTS.map((spec) => (
        <ServerChart key={spec.key} {...props} spec={spec} />
      ))}
    </section>
  );
}

interface ServerChartProps extends ServerChartsProps {
  readonly spec: ServerChartSpec;
}

function ServerChart({ model, machine, look, spec: whole }: ServerChartProps): JSX.Element {
  const fit = fitted(whole, (line) => machine.lines.has(line));
  // A fitted spec is made anew each time; what it holds changes once at most.
  const spec = useMemo(() => fit, [whole, fit.lines.length]);
  const chartLook = useMemo(
    (): ChartLook => ({ lines: spec.lines, ...spec.scale, group: 'server' }),
    [spec, look],
  );
  const source = useMemo(() => sourceOf(model, machine, spec), [model, machine, spec]);
  return (
    <Chart
      title={spec.title}
      label={`${spec.label}, over ${model.route.range} minutes`}
      frame={model.frame}
      look={chartLook}
      source={source}
      legend={(pointed) => <Legend items={legendItems(machine, spec, pointed)} />}
    />
  );
}

function columnsOf(machine: MachineState, spec: ServerChartSpec): Column[] {
  return spec.lines.map(({ key }) => {
    const column = machine.lines.column(key);
    const factor = factorOf(key, machine.sample);
    if (factor === 1) return column;
    return column.map((value) =>
      value === null || Number.isNaN(factor) ? null : Math.min(100, value * factor),
    );
  });
}

function sourceOf(model: Model, machine: MachineState, spec: ServerChartSpec): ChartSource {
  return {
    revision: () => machine.revision,
    newest: () => newestText(machine, model.clock.now()),
    times: () => machine.lines.times,
    stepMs: () => machine.lines.stepMs,
    span: () => {
      const endMs = machine.endMs(model.clock.now());
      return [endMs - machine.range * 60_000, endMs];
    },
    data: () => {
      const columns = columnsOf(machine, spec);
      const drawn = [...stack(columns.slice(0, spec.stacked)), ...columns.slice(spec.stacked)];
      return aligned(machine.lines.times, drawn);
    },
  };
}

function newestText(machine: MachineState, nowMs: number): string {
  return machine.isLive(nowMs) ? 'now' : clockTime(machine.endMs(nowMs));
}

function legendItems(machine: MachineState, spec: ServerChartSpec, pointed: Pointed): LegendItem[] {
  const columns = columnsOf(machine, spec);
  return spec.lines.map((line, index) => {
    const column = columns[index] ?? [];
    const { stepMs } = machine.lines;
    const value = pointed.index === null ? latest(column, stepMs) : (column[pointed.index] ?? null);
    const why = value === null ? whyNoLine(spec, line.key, machine.sample) : undefined;
    return { ...line, value: spec.value(value), why };
  });
}
