import type { JSX } from 'preact';
import type { Sample } from '../../../wire/records/sample.ts';
import { PercentBar, Rate } from '../fleet/cells.tsx';
import { bytes } from '../lib/format.ts';
import { whyAbsent } from '../lib/sample-lines.ts';
import { PanelTable } from '../shell/panel-table.tsx';

interface DeviceProps {
  readonly sample: Sample | null;
}

export function FileSystems({ sample }: DeviceProps): JSX.Element {
  const rows = (sample?.fs ?? []).toSorted((one, other) => other.used_pct - one.used_pct);
  return (
    <PanelTable
      title="File systems"
      columns={['mount', 'used', 'size', 'inodes']}
      none={rows.length === 0 ? (whyAbsent(sample, 'fs') ?? 'none reported') : null}
    >
      {rows.map((fs) => (
        <tr key={fs.mount}>
          <th scope="row">
            <span class="text" title={fs.mount}>
              {fs.mount}
            </span>
          </th>
          <td>
            <PercentBar value={fs.used_pct} />
          </td>
          <td title={`${bytes(fs.used)} used`}>{bytes(fs.total)}</td>
          <td>
            <PercentBar
              value={fs.inodes_pct}
              why={fs.inodes_pct === undefined ? 'has no fixed number of inodes' : undefined}
            />
          </td>
        </tr>
      ))}
    </PanelTable>
  );
}

export function Interfaces({ sample }: DeviceProps): JSX.Element {
  const rows = (sample?.nets ?? []).map((net) => ({ name: net.name, one: net.in, other: net.out }));
  return (
    <RateTable
      title="Network interfaces"
      columns={['interface', 'in', 'out']}
      rows={rows}
      why={whyAbsent(sample, 'nets')}
    />
  );
}

export function Disks({ sample }: DeviceProps): JSX.Element {
  const rows = (sample?.disks ?? []).map(({ name, read, write }) => ({
    name,
    one: read,
    other: write,
  }));
  return (
    <RateTable
      title="Disks"
      columns={['disk', 'read', 'write']}
      rows={rows}
      why={whyAbsent(sample, 'disks')}
    />
  );
}

interface RateTableProps {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly one: number; readonly other: number }[];
  readonly why: string | undefined;
}

function RateTable({ title, columns, rows, why }: RateTableProps): JSX.Element {
  return (
    <PanelTable
      title={title}
      columns={columns}
      none={rows.length === 0 ? (why ?? 'none reported') : null}
    >
      {rows.map(({ name, one, other }) => (
        <tr key={name}>
          <th scope="row">
            <span class="text" title={name}>
              {name}
            </span>
          </th>
          <td>
            <Rate value={one} />
          </td>
          <td>
            <Rate value={other} />
          </td>
        </tr>
      ))}
    </PanelTable>
  );
}
