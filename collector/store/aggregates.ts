/**
 * Aggregates as the store keeps them: a JSON array in METRICS order, each entry null or the
 * figures in the order of AGGREGATES, or of FLEET_AGGREGATES. Doubles keep every digit in JSON.
 */
import { FLEET_AGGREGATES, type FleetAggregate } from '../windows/fleet.ts';
import { type Aggregate, AGGREGATES } from '../windows/window.ts';

export function packAggregates(aggregates: readonly (Aggregate | null)[]): string {
  return pack(AGGREGATES, aggregates);
}

export function unpackAggregates(text: string): (Aggregate | null)[] {
  return unpack(AGGREGATES, text) as (Aggregate | null)[];
}

export function packFleet(aggregates: readonly (FleetAggregate | null)[]): string {
  return pack(FLEET_AGGREGATES, aggregates);
}

export function unpackFleet(text: string): (FleetAggregate | null)[] {
  return unpack(FLEET_AGGREGATES, text) as (FleetAggregate | null)[];
}

type Figures<K extends string> = Readonly<Record<K, number | null>>;

function pack<K extends string>(
  names: readonly K[],
  entries: readonly (Figures<K> | null)[],
): string {
  const packed = entries.map((entry) => (entry === null ? null : names.map((name) => entry[name])));
  return JSON.stringify(packed);
}

function unpack<K extends string>(names: readonly K[], text: string): (Figures<K> | null)[] {
  const packed = JSON.parse(text) as ((number | null)[] | null)[];
  return packed.map((figures) => {
    if (figures === null) return null;
    const entries = names.map((name, i) => [name, figures[i] ?? null] as const);
    return Object.fromEntries(entries) as Figures<K>;
  });
}
