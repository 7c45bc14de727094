import type { JSX } from 'preact';
import type { Delivery, ServerSummary } from '../../api/contract.ts';
import { conflictText, deliveryFacts } from '../lib/delivery.ts';

interface DeliveryProps {
  readonly delivery: Delivery;
  readonly summary: ServerSummary;
  readonly nowMs: number;
}

/** How its samples come, in one line; a sentence before it when two agents take its name. */
export function DeliveryBlock({ delivery, summary, nowMs }: DeliveryProps): JSX.Element {
  const conflict = conflictText(delivery);
  return (
    <section class="delivery" aria-label="Delivery">
      {conflict !== null && (
        <p class="banner" role="status">
          {conflict}
        </p>
      )}
      <dl class="facts">
        {deliveryFacts(delivery, summary, nowMs).map(({ name, value, why, warns }) => (
          <div key={name} data-fact={name} title={why}>
            <dt>{name}</dt>
            <dd class={warns ? 'warns' : undefined}>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
