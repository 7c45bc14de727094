/**
 * Every limit of what crosses the wire, in one place, with the relations between them asserted
 * at load. What comes from the wire is hostile until it has passed these.
 */

/** Bytes of a batch as it is sent (compressed). */
export const bodyBytesMax = 1024 * 1024;
/** Bytes of a batch once decompressed; a body that grows past this is refused while it grows. */
export const bodyDecodedBytesMax = 8 * 1024 * 1024;
/** Records of one batch. */
export const batchRecordsMax = 2_000;
/** Bytes of one record's line in a batch. A sample of 256 cores and 30 processes has about 20 kB. */
export const recordBytesMax = 256 * 1024;
/** Characters of a server's name. */
export const serverIdCharsMax = 128;
/** Characters of a boot id; a replayed file's is the 64 hex digits of its SHA-256. */
export const bootIdCharsMax = 64;
/** Characters of a device's, mount's or process's name. */
export const nameCharsMax = 256;
/** Characters of the reason why a metric is unavailable. */
export const reasonCharsMax = 200;
/** Entries of the lists of a sample. */
export const coresMax = 1024;
export const interfacesMax = 256;
export const disksMax = 256;
export const fileSystemsMax = 128;
export const topProcessesMax = 50;
/** A window result: its name, six metrics of nine figures and its owner's address, with room to grow. */
export const windowResultBytesMax = 16 * 1024;
/** An alert as collectors tell it each other: its steps, and 100 notices of some 2 kB. */
export const alertRecordBytesMax = 512 * 1024;
/** Characters of a sentence about an alert: an expression of 1,000 may name some 100 figures. */
export const alertTextCharsMax = 8_192;
/** Names in one list or table of an alert: figures of its window, labels, notifiers. */
export const alertNamesMax = 128;
/** Notices of one alert record: those that wait, and those of the alert itself. */
export const alertNoticesMax = 100;
/** Steps of one alert: pending, firing and its end, with room for one more. */
export const alertStepsMax = 4;
/** Characters of the address of a collector's page. */
export const ownerUrlCharsMax = 512;
/** Partitions of one topic. */
export const partitionsMax = 100_000;
/** The longest window that a collector can be set to. */
export const windowMsMax = 60 * 60 * 1000;
/** Largest absolute value of a metric: beyond it no counter of a real machine lies. */
export const metricAbsMax = 1e18;
/** 2100-01-01: a later time is a broken clock or an attack, not an event. */
export const timestampMsMax = 4_102_444_800_000;
/** A live sample further in the collector's future than this is quarantined: its clock is of no use. */
export const futureMsMax = 24 * 60 * 60 * 1000;
/** A server whose clock is off by more is marked as skewed, and kept out of the fleet's windows. */
export const skewMsMax = 5_000;

/** Bytes of a file in one chunk. Stored, with key, header and what Kafka puts around a record, it stays below a broker's default of a million. */
export const rawChunkBytes = 960 * 1024;
/** Bytes of a chunk's header. A path of 4,096 bytes of Cyrillic takes 12 KiB in ASCII; Node's HTTP server takes 16 KiB of headers in all. */
export const chunkHeaderBytesMax = 14 * 1024;
/** A chunk's key: transfer, slash, block. */
export const chunkKeyBytesMax = 40;
/** What a record and the batch it comes in add on Kafka: under 100 bytes, and room. */
const kafkaRecordBytes = 1_024;
/** What a Kafka broker with default settings takes of one message, rounded down. */
const kafkaMessageBytesMax = 1_000_000;
/** A record with a chunk, all in all. */
export const chunkRecordBytesMax =
  rawChunkBytes + chunkHeaderBytesMax + chunkKeyBytesMax + kafkaRecordBytes;
/** Of one block. Below, a file would be all headers; above, a broken block would cost too much to send again. */
export const blockBytesMin = 1024 * 1024;
export const blockBytesMax = 1024 * 1024 * 1024;
/** What a block has when nothing else is asked for. */
export const blockBytesDefault = 128 * 1024 * 1024;
/** Blocks of one file: 128 TB in blocks of the default size. */
export const blocksMax = 1_000_000;
/** What a sender's threads did between two blocks' ends: more than 12 blocks, which it reads at once, and a week of each stage. */
export const workBytesMax = 1024 * blockBytesMax;
export const workMsMax = 7 * 24 * 60 * 60 * 1000;
/** Linux's longest path, and Windows' longest name in UTF-8 with room. */
export const filePathBytesMax = 4_096;
export const fileNameBytesMax = 1_024;
/** A block's acknowledgment: its longest name in escaped form, and a reason. */
export const blockAckBytesMax = 16 * 1024;
/** A receiver's status: its partitions, seven characters each. */
export const statusBytesMax = 128 * 1024;
export const statusPartitionsMax = 10_000;

function assertRelation(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(`limits.ts: ${sentence}`);
}
assertRelation(recordBytesMax < bodyDecodedBytesMax, 'a record fits a batch');
assertRelation(recordBytesMax <= 1_000_000, "a record fits a Kafka broker's default message size");
assertRelation(alertRecordBytesMax <= 1_000_000, 'so does an alert');
assertRelation(bodyBytesMax <= bodyDecodedBytesMax, 'a body does not shrink by decompression');
assertRelation(
  chunkRecordBytesMax <= kafkaMessageBytesMax,
  'so does a chunk that is stored, with its key and header',
);
assertRelation(
  blockBytesDefault >= blockBytesMin && blockBytesDefault <= blockBytesMax,
  "the default block's size is within bounds",
);
