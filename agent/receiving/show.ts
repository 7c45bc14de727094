/** What a person or a program sees of a receiving: a line of text on a terminal, of JSON elsewhere. */
import type { ReceiverCounts } from '../../blocks/receiving/receiver.ts';
import { plural } from '../../runtime/plural.ts';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import { inert } from '../../wire/records/fields.ts';
import { sizeText } from '../sending/show.ts';
import { speedFacts, type Speeds, speedsText } from '../sending/speeds.ts';

export interface Show {
  block(ack: BlockAck): void;
  /** It was put together. */
  file(path: string, sizeBytes: number): void;
  summary(totals: Totals, speeds: Speeds): void;
}

export interface Totals extends ReceiverCounts {
  /** Records that are no chunks. */
  readonly malformed: number;
  /** Files that are whole and could not be put together. */
  readonly notAssembled: number;
}

export function createShow(stdout: NodeJS.WriteStream): Show {
  const write = (text: string): void => void stdout.write(`${text}\n`);
  return stdout.isTTY ? textShow(write) : jsonShow(write);
}

type Write = (line: string) => void;

function jsonShow(write: Write): Show {
  const line = (facts: object): void => write(JSON.stringify(facts));
  return {
    block: (ack) => line({ event: 'block', ...ack }),
    file: (path, sizeBytes) => line({ event: 'file', path, bytes: sizeBytes }),
    summary: ({ notAssembled, ...totals }, speeds) =>
      line({
        event: 'summary',
        ...totals,
        not_assembled: notAssembled,
        ...speedFacts(speeds),
      }),
  };
}

function textShow(write: Write): Show {
  return {
    block: (ack) => write(blockText(ack)),
    file: (path, sizeBytes) => write(`${inert(path)} is whole, ${sizeText(sizeBytes)}`),
    summary({ blocks, bytes, duplicates, failures, malformed, notAssembled }, speeds) {
      const more = [
        [duplicates, 'was there already', 'were there already'],
        [failures, 'failed', 'failed'],
        [malformed, 'record was no block', 'records were no blocks'],
        [notAssembled, 'file could not be put together', 'files could not be put together'],
      ] as const;
      const told = more.flatMap(([count, one, many]) =>
        count === 0 ? [] : [plural(count, one, many)],
      );
      write([`${plural(blocks, 'block')}, ${sizeText(bytes)} stored`, ...told].join('; '));
      if (blocks > 0) write(speedsText(speeds));
    },
  };
}

function blockText(ack: BlockAck): string {
  const { file_name: name, block_number: number, total_blocks: blocks, sender = '?' } = ack;
  const block = `block ${number + 1} of ${blocks} of ${inert(name)} from ${inert(sender)}`;
  if (!ack.success) return `${block} failed: ${inert(ack.reason ?? '')}`;
  return ack.duplicate === true ? `${block} was there already` : `${block} is stored`;
}
