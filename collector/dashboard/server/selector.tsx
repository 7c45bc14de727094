import type { JSX } from 'preact';
import type { ServerSummary } from '../../api/contract.ts';
import { compareNames, isUp } from '../lib/servers.ts';
import type { Model } from '../state/model.ts';

interface SelectorProps {
  readonly model: Model;
  /** The server that is shown. */
  readonly id: number;
}

/** The browser's own list: it finds by typing, works by keyboard, and is a wheel on a phone. */
export function Selector({ model, id }: SelectorProps): JSX.Element {
  const { fleet } = model;
  const nowMs = model.clock.now();
  const servers = [...fleet.servers.values()].sort((one, other) =>
    compareNames(one.server_id, other.server_id),
  );
  const reporting = servers.filter((server) => isUp(server, nowMs));
  const gone = servers.filter((server) => !isUp(server, nowMs));
  return (
    <select
      class="selector"
      aria-label="Show server"
      value={String(id)}
      onChange={(event) =>
        model.go({ view: { page: 'server', id: Number(event.currentTarget.value) } })
      }
    >
      {/* Until the servers are there, and for an address of one that is not. */}
      {!fleet.servers.has(id) && <option value={String(id)}>…</option>}
      {reporting.map(optionOf)}
      {gone.length > 0 && <optgroup label="Not reporting">{gone.map(optionOf)}</optgroup>}
    </select>
  );
}

function optionOf({ id, server_id }: ServerSummary): JSX.Element {
  return (
    <option key={id} value={String(id)}>
      {server_id}
    </option>
  );
}
