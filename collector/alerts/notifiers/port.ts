/** How somebody is told of alerts: one port, an adapter for each way. */
import type { AlertNotice } from '../alert.ts';

/** What goes out together: notices of one rule, at most one for each server. */
export interface Notification {
  /**
   * Of these notices: the same in every repeat of them, and of no others. By it a receiver knows
   * what it has had already.
   */
  readonly key: string;
  readonly notices: readonly AlertNotice[];
}

export interface Notifier {
  /**
   * Hands the notification over; may be called again with the same one when it is not known
   * whether it arrived.
   * @returns what the receiver answered, in a few words
   * @throws WindrowError; `retryable` false when a repeat will most likely be refused as well
   */
  send(notification: Notification, signal: AbortSignal): Promise<string>;
  /**
   * Says that these alerts still fire, to a receiver that forgets. Best effort, at most one
   * notification's worth of notices at a time; absent where the receiver needs no reminder.
   * @throws WindrowError
   */
  readonly remind?: (firing: readonly AlertNotice[], signal: AbortSignal) => Promise<void>;
}
