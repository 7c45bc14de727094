import * as library from '@platformatic/kafka';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { RecordsRefused } from '../log/refused.ts';
import { produceRequest } from './produce.ts';
import { KafkaProducer } from './producer.ts';

it('the client writes requests from one copy, and all else as the library does', async () => {
  const { Producer } = library;
  const theirs = Object.assign(() => {}, { version: 11 });
  const prototype = Producer.prototype as unknown as Record<symbol, () => void>;
  vi.spyOn(prototype, library.kGetApi).mockImplementation(((
    _: string,
    callback: (error: null, api: unknown) => void,
  ) => callback(null, theirs)) as () => void);
  const asked = vi
    .spyOn(Producer.prototype, 'metadata')
    .mockImplementation(() => Promise.reject(new Error('no broker')));
  onTestFinished(() => void vi.restoreAllMocks());
  const settings = { brokers: ['127.0.0.1:1'], tls: undefined, sasl: undefined };
  const producer = new KafkaProducer(settings as never, createKeptLog().log);
  onTestFinished(() => producer.close());
  const sent = producer.send([{ topic: 't', key: 'k', value: 'v' }], new AbortController().signal);
  await expect(sent).rejects.toThrow('no broker');
  const client = asked.mock.contexts[0] as library.Producer;
  const apiOf = (name: 'Produce' | 'Fetch'): unknown => {
    let found: unknown;
    client[library.kGetApi](name, (_, api) => {
      found = api;
    });
    return found;
  };
  expect(apiOf('Fetch')).toBe(theirs);
  const ours = apiOf('Produce');
  expect(ours).toBeTypeOf('function');
  expect(ours).not.toBe(theirs);
});

const never = new AbortController().signal;

interface Brokers {
  /** Error codes by topic, as each look at topics is answered; the last one goes on. */
  readonly looks: readonly Codes[];
  /** The same of requests with records; no answer comes to those behind them. */
  readonly written?: readonly Codes[];
  /** Of each request with records: all that makes it. */
  readonly asked?: ProduceArguments[];
  /** Requests with records are answered when it has resolved. */
  readonly answering?: Promise<void>;
}

type ProduceArguments = Parameters<typeof library.produceV11.createRequest>;

type Codes = Readonly<Record<string, number>>;
type Answered = (error: Error | null, answer?: unknown) => void;

/** @returns what sends a record to each topic, to brokers that answer with such codes, and gives what it fails by */
function sending(brokers: Brokers): (topics: readonly string[]) => Promise<unknown> {
  fake(brokers);
  onTestFinished(() => void vi.restoreAllMocks());
  const settings = { brokers: ['127.0.0.1:1'], tls: undefined, sasl: undefined };
  const producer = new KafkaProducer(settings as never, createKeptLog().log);
  onTestFinished(() => producer.close());
  return (topics) => {
    const records = topics.map((topic) => ({ topic, key: 'k', value: 'v' }));
    return producer.send(records, never).catch((error: unknown) => error);
  };
}

/** Answers in the place of brokers all that a producer of the library asks. */
function fake({ looks, written = [], asked = [], answering }: Brokers): void {
  const { kGetApi, kGetBootstrapConnection, kGetConnection, Producer, ResponseError } = library;
  const answer = (answered: Answered, response: object, errors: object, key: number): void => {
    const isGood = Object.keys(errors).length === 0;
    if (isGood) answered(null, response);
    else answered(new ResponseError(key, 99, errors as never, response));
  };
  let [look, writes] = [0, 0];
  const metadata = (answered: Answered): void => {
    const codes = looks[Math.min(look, looks.length - 1)] ?? {};
    look += 1;
    const partitions = [{ errorCode: 0, partitionIndex: 0, leaderId: 1 }];
    // As brokers have them: what is missing or forbidden comes last.
    const topics = Object.entries(codes)
      .map(([name, errorCode]) => ({
        name,
        errorCode,
        partitions: errorCode === 0 ? partitions : [],
      }))
      .toSorted((a, b) => a.errorCode - b.errorCode);
    const wrong = topics.flatMap(({ errorCode }, i) =>
      errorCode === 0 ? [] : [[`/topics/${i}`, [errorCode, null]]],
    );
    const all = { brokers: [{ nodeId: 1, host: 'a', port: 1 }], topics };
    answer(answered, all, Object.fromEntries(wrong), 3);
  };
  const produce = async (answered: Answered): Promise<void> => {
    await answering;
    const codes = written[writes];
    writes += 1;
    if (codes === undefined) return answered(new Error('Request timed out'));
    const responses = Object.entries(codes).map(([name, errorCode]) => ({
      name,
      partitionResponses: [{ index: 0, errorCode, baseOffset: 0n }],
    }));
    const wrong = Object.values(codes).flatMap((errorCode, i) =>
      errorCode === 0 ? [] : [[`/responses/${i}/partition_responses/0`, [errorCode, null]]],
    );
    answer(answered, { responses }, Object.fromEntries(wrong), 0);
  };
  const apis: Readonly<Record<string, (answered: Answered) => void>> = {
    Metadata: metadata,
    InitProducerId: (answered) => answered(null, { producerId: 1n, producerEpoch: 0 }),
    Produce: (answered) => void produce(answered),
  };
  const prototype = Producer.prototype as unknown as Record<symbol, (...all: never[]) => void>;
  const stand = (name: symbol, as: (...all: never[]) => void): void =>
    void vi.spyOn(prototype, name).mockImplementation(as);
  stand(kGetBootstrapConnection, (answered: Answered) => answered(null, {}));
  stand(kGetConnection, (_: never, answered: Answered) => answered(null, {}));
  stand(kGetApi, (name: string, found: Answered) => {
    const api = (...all: unknown[]): void => {
      if (name === 'Produce') asked.push(all.slice(1, -1) as never);
      apis[name]?.(all.at(-1) as Answered);
    };
    found(null, Object.assign(api, { version: 99 }));
  });
}

const unknown = 3;
const timedOut = 7;
const forbidden = 29;
const four = ['net', 'cpu', 'mem', 'disk'];

it.each([
  {
    what: 'the topic that is not there, though the library takes another one for it',
    brokers: { looks: [{ net: 0, cpu: unknown, mem: 0, disk: 0 }] },
    message: 'cpu cannot be written: the topic is not there',
    hint: '(Create)',
  },
  {
    what: 'those that may not even be looked at',
    brokers: { looks: [{ net: forbidden, cpu: 0, mem: forbidden, disk: 0 }] },
    message: 'mem and net cannot be written: the broker does not allow it',
    hint: 'Write and Describe on topics mem and net to',
  },
  {
    what: 'those that may not be written',
    brokers: {
      looks: [{ net: 0, cpu: 0, mem: 0, disk: 0 }],
      written: [{ net: 0, cpu: 0, mem: forbidden, disk: forbidden }],
    },
    message: 'disk and mem cannot be written: the broker does not allow it',
    hint: 'Write and Describe on topics disk and mem to',
  },
  {
    what: 'all where no broker says which, one too that was not there at first',
    brokers: {
      looks: [
        { net: unknown, cpu: 0, mem: 0, disk: 0 },
        { net: 0, cpu: 0, mem: 0, disk: 0 },
      ],
    },
    message: 'cpu, disk, mem and net cannot be written: the broker does not answer',
    hint: 'firewall',
  },
])('a send to several topics that fails names $what', async ({ brokers, message, hint }) => {
  const error = await sending(brokers)(four);
  expect(error).toBeInstanceOf(WindrowError);
  expect(error).toMatchObject({ message, hint: expect.stringContaining(hint) as string });
});

const tooLarge = 10;
const listTooLarge = 18;

it.each([
  {
    what: 'two',
    written: [{ a: tooLarge, b: tooLarge, c: 0 }, { a: tooLarge }, { b: tooLarge }],
    refused: ['a', 'b'],
    message: 'a and b cannot be written: a record is larger than the topic takes',
    hint: 'Raise max.message.bytes of the topic.',
  },
  {
    what: 'more than a line has room for',
    written: Array.from({ length: 30 }, () => allOf('abcdefgh', tooLarge)),
    refused: 'abcdefgh'.split(''),
    message: 'a, b, c, d, e and 3 more cannot be written: a record is larger than the topic takes',
    hint: 'Raise max.message.bytes of the topic.',
  },
  {
    what: 'two, each for its own reason',
    written: [{ a: listTooLarge, b: tooLarge, c: 0 }, { a: listTooLarge }, { b: tooLarge }],
    refused: ['a', 'b'],
    message:
      'a cannot be written: a record is larger than a segment of the topic; b cannot be written: a record is larger than the topic takes',
    hint: 'Raise segment.bytes of the topic. Raise max.message.bytes of the topic.',
  },
])('records that are too large are of all topics that are named: $what', async (given) => {
  const { written, refused, message, hint } = given;
  const error = await sending({ looks: [allOf('abcdefgh', 0)], written })(
    Object.keys(written[0] ?? {}),
  );
  expect(error).toBeInstanceOf(RecordsRefused);
  expect(error).toMatchObject({ message, hint, retryable: false });
  expect((error as RecordsRefused).records.map(({ topic }) => topic)).toEqual(refused);
});

function allOf(topics: string, code: number): Codes {
  return Object.fromEntries(topics.split('').map((topic) => [topic, code]));
}

it('a topic whose trouble passed is not named alone for what fails all of them later', async () => {
  const written = [
    { a: 0, b: timedOut },
    { a: 0, b: 0 },
  ];
  const send = sending({ looks: [{ a: 0, b: 0 }], written });
  expect(await send(['a', 'b'])).toBeUndefined();
  const message = 'a and b cannot be written: the broker does not answer';
  expect(await send(['a', 'b'])).toMatchObject({ message });
});

it('a record counts as written when all replicas that are in sync have it, whatever the library takes when nobody says', async () => {
  const asked: ProduceArguments[] = [];
  const send = sending({ looks: [{ a: 0 }], written: [{ a: 0 }], asked });
  const given: unknown[] = [];
  type Send = (options: { readonly acks?: number }) => Promise<unknown>;
  const prototype = library.Producer.prototype as unknown as Record<'send', Send>;
  const theirs = prototype.send;
  vi.spyOn(prototype, 'send').mockImplementation(function (this: unknown, options) {
    // Before the library puts its own in.
    given.push(options.acks);
    return theirs.call(this, options);
  });
  expect(await send(['a'])).toBeUndefined();
  expect(given).toEqual([-1]);
  const { buffer } = produceRequest(library, ...(asked[0] as ProduceArguments));
  // Behind the name of a transaction, which is none.
  expect(buffer.readInt16BE(1)).toBe(-1);
});

it('one request is on its way at a time, whoever sends', async () => {
  const asked: ProduceArguments[] = [];
  const { promise: answering, resolve: answer } = Promise.withResolvers<void>();
  const send = sending({ looks: [{ t: 0 }], written: [{ t: 0 }, { t: 0 }], asked, answering });
  const sends = [send(['t']), send(['t'])];
  await vi.waitFor(() => expect(asked).not.toHaveLength(0));
  // As many turns as it takes one that waits for nothing.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
  expect(asked).toHaveLength(1);
  answer();
  expect(await Promise.all(sends)).toEqual([undefined, undefined]);
  expect(asked).toHaveLength(2);
});
