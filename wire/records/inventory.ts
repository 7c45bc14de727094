/** Inventory: what rarely changes about a machine. One record on `windrow-inventory` at start and hourly. */
import { z } from 'zod';
import { disksMax, interfacesMax } from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import { amount, bootId, name, serverId, timestampMs } from './fields.ts';

export const inventoryFactsSchema = z.object({
  hostname: name,
  os: name,
  kernel: name,
  arch: name,
  model: name.optional(),
  virtual: name.optional(),
  cpu_model: name,
  cpu_cores: z.number().int().min(0),
  cpu_physical_cores: z.number().int().min(0),
  mem_total: amount,
  disks: z.array(z.object({ name, model: name, type: name, size: amount })).max(disksMax),
  interfaces: z
    .array(z.object({ name, ip4: name, ip6: name, mac: name, speed_mbit: amount.optional() }))
    .max(interfacesMax),
});

export const inventorySchema = z.object({
  v: z.literal(WIRE_VERSION),
  server_id: serverId,
  ts: timestampMs,
  boot_id: bootId,
  agent_version: name,
  facts: inventoryFactsSchema,
});

export type InventoryFacts = z.infer<typeof inventoryFactsSchema>;
export type Inventory = z.infer<typeof inventorySchema>;
