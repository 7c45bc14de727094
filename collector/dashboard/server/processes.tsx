import type { JSX } from 'preact';
import type { ServerView } from '../../api/contract.ts';
import type { ProcessRow, Sample } from '../../../wire/records/sample.ts';
import { Rate } from '../fleet/cells.tsx';
import { ago, bytes, moment, percent } from '../lib/format.ts';
import { whyAbsent } from '../lib/sample-lines.ts';

interface ProcessesProps {
  readonly sample: Sample | null;
  readonly processes: ServerView['processes'];
  readonly nowMs: number;
}

type ProcessOrder = 'by_cpu' | 'by_mem' | 'by_io';
const titles: Readonly<Record<ProcessOrder, string>> = {
  by_cpu: 'Top processes by CPU',
  by_mem: 'Top processes by memory',
  by_io: 'Top processes by disk I/O',
};

export function Processes({ sample, processes, nowMs }: ProcessesProps): JSX.Element {
  const taken =
    processes === null
      ? undefined
      : `taken ${moment(processes.ts, nowMs)}, ${ago(nowMs - processes.ts, 0)}`;
  return (
    <div class="processes">
      {(['by_cpu', 'by_mem', 'by_io'] as const).map((order) => (
        <section key={order} class="panel device" aria-label={titles[order]} data-order={order}>
          <h2 title={taken}>{titles[order]}</h2>
          <ProcessTable
            order={order}
            rows={processes?.list[order]}
            why={whyAbsent(sample, `processes.${order}`)}
          />
        </section>
      ))}
    </div>
  );
}

interface ProcessTableProps {
  readonly order: ProcessOrder;
  readonly rows: readonly ProcessRow[] | undefined;
  readonly why: string | undefined;
}

function ProcessTable({ order, rows, why }: ProcessTableProps): JSX.Element {
  if (rows === undefined) return <p class="none">{why ?? 'not reported yet'}</p>;
  if (rows.length === 0) return <p class="none">no process stands out</p>;
  return (
    <div class="scroll">
      <table data-order={order}>
        <thead>
          <tr>
            <th scope="col">name</th>
            <th scope="col">pid</th>
            <th scope="col" class="by_cpu" title="Percent of one core">
              CPU
            </th>
            <th scope="col" class="by_mem">
              mem
            </th>
            <th scope="col" title="Resident memory">
              RSS
            </th>
            <th scope="col" class="by_io">
              read
            </th>
            <th scope="col" class="by_io">
              write
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Process key={row.pid} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const noIo = 'the kernel does not let the agent read it';

function Process({ row }: { readonly row: ProcessRow }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <span class="text" title={row.name}>
          {row.name}
        </span>
      </th>
      <td>{row.pid}</td>
      <td class="by_cpu">{percent(row.cpu_pct)}</td>
      <td class="by_mem">{percent(row.mem_pct)}</td>
      <td title={row.rss === undefined ? 'not told by this agent' : undefined}>{bytes(row.rss)}</td>
      <td class="by_io">
        <Rate value={row.read} why={row.read === undefined ? noIo : undefined} />
      </td>
      <td class="by_io">
        <Rate value={row.write} why={row.write === undefined ? noIo : undefined} />
      </td>
    </tr>
  );
}
