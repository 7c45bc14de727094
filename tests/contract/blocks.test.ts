import Fastify from 'fastify';
import { describe, onTestFinished } from 'vitest';
import { BlockReceiver } from '../../blocks/receiving/receiver.ts';
import { blockRoutes } from '../../collector/api/block-routes.ts';
import { systemClock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import type { BlockCarrier } from '../../wire/transport/block-port.ts';
import { DirectBlockCarrier } from '../../wire/transport/direct/blocks.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { connectBlocksByLog } from './blocks-by-log.ts';
import { type ConnectBlocks, describeBlockAnswers, describeBlocks } from './blocks.ts';

function receiving(): { readonly receiver: BlockReceiver; readonly folder: string } {
  const folder = temporaryFolder();
  const { log } = createKeptLog();
  const receiver = new BlockReceiver({
    folder,
    folderSetting: 'blocks.folder',
    machineId: 'node-1',
    quotaBytes: Infinity,
    clock: systemClock,
    log,
  });
  onTestFinished(() => receiver.close());
  return { receiver, folder };
}

/** Straight to the receiver: what it does itself, with no transport in between. */
function carrierTo(receiver: BlockReceiver): BlockCarrier {
  return {
    target: 'memory',
    async send({ record, payload }, signal) {
      if (signal.aborted) throw new WindrowError('aborted', 'it was aborted');
      return receiver.take({ chunk: record, payload: Uint8Array.from(payload) });
    },
    close: async () => {},
  };
}

const adapters: readonly (readonly [string, ConnectBlocks])[] = [
  [
    'memory',
    async () => {
      const { receiver, folder } = receiving();
      return { receiver, folder, carrier: carrierTo(receiver) };
    },
  ],
  [
    'direct',
    async () => {
      const { receiver, folder } = receiving();
      const server = Fastify();
      await server.register(blockRoutes, { receiver });
      onTestFinished(() => server.close());
      const url = await server.listen({ host: '127.0.0.1', port: 0 });
      return { receiver, folder, carrier: new DirectBlockCarrier({ url }) };
    },
  ],
];

describe('log', () => {
  describeBlocks(() => connectBlocksByLog(createMemoryLog({ clock: systemClock })));
});

describe.each(adapters)('%s', (_, connect) => {
  describeBlocks(connect);
  describeBlockAnswers(connect);
});
