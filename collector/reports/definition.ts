/** What a report is: the form of a YAML file in config/reports/. */
import { z } from 'zod';
import { METRICS } from '../../wire/metrics.ts';
import { AGGREGATES } from '../windows/window.ts';

const header = z.string().min(1).max(100);

/** The server's name, as it came over the wire. */
const serverColumn = z.strictObject({ header, from: z.literal('server_id') });

/** A time of the window; `HH:MM:SS` is the time of day in UTC. */
const timeColumn = z.strictObject({
  header,
  from: z.enum(['window_start', 'window_end']),
  format: z.literal('HH:MM:SS'),
});

/** A figure of the window, rounded half-up to `decimals` places after it was aggregated. */
const valueColumn = z.strictObject({
  header,
  metric: z.enum(METRICS),
  aggregate: z.enum(AGGREGATES),
  decimals: z.number().int().min(0).max(10),
});

/** The first of `labels` whose conditions hold. */
const labelColumn = z.strictObject({ header, from: z.literal('label') });

/** `at_least` is compared (>=) with the rounded value of the column of that header. */
const condition = z.strictObject({ column: header, at_least: z.number() });

/** Holds when all of `when` hold: always, when there is none. */
const label = z.strictObject({ label: z.string().max(200), when: z.array(condition).max(20) });

export const reportSchema = z
  .strictObject({
    columns: z
      .array(z.union([serverColumn, timeColumn, valueColumn, labelColumn]))
      .min(1)
      .max(100),
    /** The first whose conditions hold is the row's; none: the label is empty. */
    labels: z.array(label).max(100),
    /** Windows that begin before a server's first sample. */
    warm_up: z.enum(['leave_out', 'keep']),
  })
  .superRefine((report, context) => {
    const headers = report.columns.map((column) => column.header);
    headers.forEach((header, i) => {
      if (headers.indexOf(header) === i) return;
      context.addIssue({
        code: 'custom',
        path: ['columns', i, 'header'],
        message: `${header} is there twice`,
      });
    });
    const values = report.columns.filter((column) => 'metric' in column);
    report.labels.forEach(({ when }, i) => {
      when.forEach(({ column }, j) => {
        if (values.some(({ header }) => header === column)) return;
        const path = ['labels', i, 'when', j, 'column'];
        context.addIssue({
          code: 'custom',
          path,
          message: `no column of a metric is named ${column}`,
        });
      });
    });
  });

export type ReportDefinition = z.infer<typeof reportSchema>;
export type ReportColumn = ReportDefinition['columns'][number];
