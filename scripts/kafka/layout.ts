/** `cluster.json`: what stays the same of a cluster between its starts, so that clients find it again. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../../runtime/durable-file.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { freePorts, isFree, type PortRange } from './ports.ts';

/** Each takes 300 MB. */
export const nodesMax = 5;

const port = z.number().int().min(1).max(65_535);
const layoutFile = z.object({
  id: z.string().regex(/^[\w-]{22}$/),
  ports: z
    .array(z.object({ client: port, internal: port, controller: port }))
    .min(1)
    .max(nodesMax),
});
export type Layout = z.infer<typeof layoutFile>;

/**
 * Reads the folder's layout, or makes one and writes it.
 * @param nodes brokers that are asked for; as many as there are, or one, when not given
 * @param ports of a new one
 * @throws WindrowError `usage` when the folder holds another number, `port_in_use`, `input` when the file is damaged
 */
export async function layoutOf(
  folder: string,
  nodes: number | undefined,
  ports?: PortRange,
): Promise<Layout> {
  const path = join(folder, 'cluster.json');
  if (!existsSync(path)) {
    const layout = await newLayout(nodes ?? 1, ports);
    writeFileDurably(path, `${JSON.stringify(layout, null, 2)}\n`);
    return layout;
  }
  const layout = readLayout(path);
  const there = layout.ports.length;
  if (nodes !== undefined && nodes !== there) {
    throw new WindrowError('usage', `${folder} holds a cluster of ${there}, not of ${nodes}`, {
      hint: `Leave --nodes out, or name another folder with --data.`,
    });
  }
  for (const port of layout.ports.flatMap((ports) => Object.values(ports))) {
    if (await isFree(port)) continue;
    throw new WindrowError('port_in_use', `port ${port}, which ${path} names, is in use`, {
      hint: 'Stop what uses it, or change it in that file.',
    });
  }
  return layout;
}

async function newLayout(nodes: number, from: PortRange | undefined): Promise<Layout> {
  const free = await freePorts(nodes * 3, from);
  const ports = Array.from({ length: nodes }, (_, index) => {
    const [client = 0, internal = 0, controller = 0] = free.slice(index * 3);
    return { client, internal, controller };
  });
  // As Kafka writes a UUID; one that begins with a dash would be read as a flag.
  const id = `w${randomBytes(16).toString('base64url').slice(1)}`;
  return { id, ports };
}

function readLayout(path: string): Layout {
  try {
    return layoutFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new WindrowError('input', `${path} is damaged: ${messageOf(error)}`, {
      hint: 'Name another folder with --data.',
      cause: error,
    });
  }
}
