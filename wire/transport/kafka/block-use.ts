/** What programs do with the topics of files, for `doctor`. */
import { blockAckBytesMax, chunkRecordBytesMax, statusBytesMax } from '../../limits.ts';
import { BLOCK_ACKS_TOPIC } from '../../records/block-ack.ts';
import { DATA_BLOCKS_TOPIC } from '../../records/block-chunk.ts';
import { PROCESSING_STATUS_TOPIC } from '../../records/processing-status.ts';
import type { LogUse, TopicRight } from '../log/port.ts';
import type { KafkaConfig } from './connection.ts';
import { topicSpecs } from './topics.ts';

type Config = Pick<KafkaConfig, 'kafka.partitions' | 'kafka.replication'>;

/** Of receivers, as the old system called it. */
export const receiversGroup = 'distributed-processors';

/** To send files and to receive them. */
export function filesUse(config: Config): LogUse {
  return {
    group: receiversGroup,
    topics: [
      ...using(config, DATA_BLOCKS_TOPIC, ['Read', 'Write'], chunkRecordBytesMax),
      ...using(config, BLOCK_ACKS_TOPIC, ['Read', 'Write'], blockAckBytesMax),
      ...using(config, PROCESSING_STATUS_TOPIC, ['Write'], statusBytesMax),
    ],
  };
}

/** To show what others send and receive. */
export function watchUse(config: Config): LogUse {
  return {
    topics: [
      ...using(config, BLOCK_ACKS_TOPIC, ['Read'], blockAckBytesMax),
      ...using(config, PROCESSING_STATUS_TOPIC, ['Read'], statusBytesMax),
    ],
  };
}

function using(
  config: Config,
  name: string,
  rights: readonly TopicRight[],
  recordBytes: number,
): LogUse['topics'] {
  return topicSpecs(config, [name]).map((topic) => ({ topic, rights, recordBytes }));
}
