import type { JSX } from 'preact';

export function EmptyFleet(): JSX.Element {
  const { hostname, origin } = location;
  const isLoopback = /^(localhost|127\.|\[::1\])/.test(hostname);
  return (
    <section class="empty panel">
      <h1>No machine has reported yet.</h1>
      {isLoopback ? <OnThisPc origin={origin} /> : <OnWorkers origin={origin} />}
      <p class="muted">It appears here by itself, a second after it starts.</p>
    </section>
  );
}

interface OriginProps {
  readonly origin: string;
}

/** An address of this machine's own: no other one reaches it. */
function OnThisPc({ origin }: OriginProps): JSX.Element {
  return (
    <>
      <p>On this PC:</p>
      <Command text={`npx windrow-agent run --to ${origin}`} />
      <p>
        On a worker PC: start the collector with <code>--listen 0.0.0.0</code>, and{' '}
        <code>npx windrow-collector token create</code> prints what to run there.
      </p>
    </>
  );
}

/** Beyond loopback the collector takes samples only with a token. */
function OnWorkers({ origin }: OriginProps): JSX.Element {
  return (
    <>
      <p>On a worker PC:</p>
      <Command text={`npx windrow-agent run --to ${origin} --token-file windrow.token`} />
      <p>
        On the collector's PC, <code>npx windrow-collector token create</code> makes the token and
        prints the whole command.
      </p>
    </>
  );
}

function Command({ text }: { readonly text: string }): JSX.Element {
  return <pre tabIndex={0}>{text}</pre>;
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
