import type { ComponentChildren, JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import type { Inventory } from '../../../wire/records/inventory.ts';
import type { Sample } from '../../../wire/records/sample.ts';
import { ABSENT, bytes, duration } from '../lib/format.ts';
import { whyAbsent } from '../lib/sample-lines.ts';

interface FactsProps {
  readonly inventory: Inventory | null;
  readonly sample: Sample | null;
}

/** What rarely changes about a machine, in one line. */
export function Facts({ inventory, sample }: FactsProps): JSX.Element {
  const facts = inventory?.facts;
  const why = 'the machine has sent no inventory';
  const addresses = (facts?.interfaces ?? [])
    .flatMap(({ ip4, ip6 }) => [ip4, ip6])
    .filter((address) => address !== '' && address !== '::1' && !address.startsWith('127.'));
  return (
    <dl class="facts">
      <Fact name="OS" value={facts?.os} why={why} />
      <Fact name="Kernel" value={facts?.kernel} why={why} />
      <Fact name="CPU" value={facts?.cpu_model} why={why}>
        {facts !== undefined && ` · ${plural(facts.cpu_cores, 'core')}`}
      </Fact>
      <Fact name="Memory" value={bytes(facts?.mem_total ?? sample?.mem_total)} why={why} />
      <Fact
        name="IP"
        value={addresses.slice(0, 2).join(', ')}
        why={why}
        title={addresses.join('\n')}
      >
        {addresses.length > 2 && ` +${addresses.length - 2}`}
      </Fact>
      <Fact
        name="Uptime"
        value={duration(sample?.uptime_s)}
        why={whyAbsent(sample, 'uptime_s') ?? why}
      />
      <Fact name="Agent" value={inventory?.agent_version} why={why} />
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string | undefined;
  readonly why: string;
  readonly title?: string;
  readonly children?: ComponentChildren;
}

function Fact({ name, value, why, title, children }: FactProps): JSX.Element {
  const known = value !== undefined && value !== '' && value !== ABSENT;
  return (
    <div title={known ? title : why}>
      <dt>{name}</dt>
      <dd class="text">
        {known ? value : ABSENT}
        {children}
      </dd>
    </div>
  );
}
