import type { JSX } from 'preact';

/** This page's own address, unless that names the viewer's machine, which no other one reaches. */
function addressForWorkers(): string {
  const { hostname, port, protocol, origin } = location;
  if (!/^(localhost|127\.|\[::1\])/.test(hostname)) return origin;
  return `${protocol}//ADDRESS-OF-THIS-PC${port === '' ? '' : `:${port}`}`;
}

export function EmptyFleet(): JSX.Element {
  return (
    <section class="empty panel">
      <h1>No machine has reported yet.</h1>
      <p>On a worker PC:</p>
      <pre tabIndex={0}>npx windrow-agent run --to {addressForWorkers()}</pre>
      <p class="muted">It appears here by itself, a second after it starts.</p>
    </section>
  );
}

export function FleetSkeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      <div class="panel cards-blank" />
      <div class="fleet-charts">
        <div class="panel chart-blank" />
        <div class="panel chart-blank" />
      </div>
      <div class="panel table-blank" />
    </div>
  );
}
