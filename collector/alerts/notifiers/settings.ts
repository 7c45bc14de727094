/** What alerts.yaml says of the notifiers: who is told, and how. Secrets are in files, never here. */
import { z } from 'zod';
import { duration } from '../../../runtime/config/units.ts';

/** Notifiers of one file; each has a queue of its own. */
const notifiersMax = 50;
/** Words of a command line, and characters of each. */
const commandWordsMax = 64;
const wordCharsMax = 4_096;

const file = z.string().min(1, 'must be the path of a file');
const tokenFile = file.optional().describe('Its content goes along as a bearer token.');

export const notifierName = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9 and -');

/** Also for what a file of an address holds. */
export const httpAddress = z.string().transform((text, context) => {
  const url = URL.parse(text.trim());
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    context.addIssue('must be an http or https address');
  } else if (url.username !== '' || url.password !== '') {
    context.addIssue('must not hold a password: it goes into a file (token_file, url_file)');
  } else {
    return url.href;
  }
  return z.NEVER;
});

const webhook = z
  .strictObject({
    type: z.literal('webhook'),
    url: httpAddress.optional(),
    url_file: file
      .optional()
      .describe('Instead of url: a file that holds it, when it is a secret.'),
    token_file: tokenFile,
    timeout: duration('1s', '60s').prefault('10s'),
  })
  .refine(({ url, url_file }) => (url === undefined) !== (url_file === undefined), {
    path: ['url'],
    message: 'must be given, or url_file, and not both',
  });

const alertmanager = z.strictObject({
  type: z.literal('alertmanager'),
  url: httpAddress.describe('With its route prefix, if it has one, and without /api/v2.'),
  token_file: tokenFile,
  timeout: duration('1s', '60s').prefault('10s'),
});

const command = z.strictObject({
  type: z.literal('command'),
  command: z
    .array(z.string().min(1).max(wordCharsMax))
    .min(1)
    .max(commandWordsMax)
    .describe('Program and arguments; there is no shell in between.'),
  timeout: duration('1s', '10m')
    .prefault('30s')
    .describe('Then it is killed with all that it started.'),
});

const types = [webhook, alertmanager, command] as const;
const notifier = z.discriminatedUnion('type', types, {
  error: ({ code }) =>
    code === 'invalid_union' ? 'must be webhook, alertmanager or command' : undefined,
});

/** By name. */
export const notifiersSchema = z
  .record(notifierName, notifier)
  .refine((notifiers) => Object.keys(notifiers).length <= notifiersMax, {
    message: `must be at most ${notifiersMax}`,
  });

export type WebhookSettings = z.output<typeof webhook>;
export type AlertmanagerSettings = z.output<typeof alertmanager>;
export type CommandSettings = z.output<typeof command>;
export type NotifierSettings = z.output<typeof notifier>;
export type Notifiers = z.output<typeof notifiersSchema>;
