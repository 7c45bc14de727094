/** The log over Apache Kafka 3.1 or newer. */
import type { Logger } from '../../../runtime/logging.ts';
import type { Log } from '../log/port.ts';
import { KafkaAdmin } from './admin.ts';
import { type KafkaConfig, kafkaSettings, type KafkaSettings } from './connection.ts';
import { KafkaConsumer } from './consumer.ts';
import { KafkaProducer } from './producer.ts';
import { KafkaReader } from './reader.ts';

/**
 * The log that a program's configuration names.
 * @throws WindrowError `config` naming the key that is missing, or whose file cannot be read
 */
export function openKafkaLog(config: KafkaConfig, clientId: string, log: Logger): Log {
  return createKafkaLog(kafkaSettings(config, { clientId, env: process.env }), log);
}

/** Touches no network before the first call of what it gives. */
export function createKafkaLog(settings: KafkaSettings, log: Logger): Log {
  return {
    producer: () => new KafkaProducer(settings, log),
    consumer: (options) => new KafkaConsumer(settings, options, log),
    reader: (topic) => new KafkaReader(settings, topic, log),
    admin: () => new KafkaAdmin(settings, log),
  };
}
