/** `idle.ts CLIENT BROKERS TOPIC`: writes one message, then does nothing; prints what that costs in percent of a core. */
import { pause } from '../../runtime/lifecycle.ts';
import { CLIENTS } from './clients.ts';

const settleMs = 1_000;
const idleMs = 10_000;

const [name = '', brokers = '', topic = ''] = process.argv.slice(2);
const client = await CLIENTS[name]?.(brokers.split(','));
if (client === undefined) throw new Error(`no client ${name}`);
const never = new AbortController().signal;
await client.send(topic, 'one');
await pause(settleMs, never);
const before = process.cpuUsage();
await pause(idleMs, never);
const { user, system } = process.cpuUsage(before);
// Microseconds in milliseconds: tenths of a percent.
process.stdout.write(`${Math.round(((user + system) / idleMs) * 10) / 100}\n`);
await client.close();
process.exit();
