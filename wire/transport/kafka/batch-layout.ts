/** Where in a batch of records what lies, as brokers keep and give it: https://kafka.apache.org/documentation/#recordbatch. */

/** Bytes before the records. */
export const headBytes = 61;
export const lengthAt = 8;
export const leaderEpochAt = 12;
export const magicAt = 16;
export const checksumAt = 17;
/** The checksum is of all from there on. */
export const attributesAt = 21;
export const lastOffsetDeltaAt = 23;
export const firstTimestampAt = 27;
export const maxTimestampAt = 35;
export const producerIdAt = 43;
export const producerEpochAt = 51;
export const sequenceAt = 53;
export const recordsCountAt = 57;
/** Bytes of a batch that its length does not count. */
export const uncountedBytes = 12;
/** The format since Kafka 0.11; up to its number those before it look alike. */
export const magic = 2;
