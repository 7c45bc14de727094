/** The thread that writes samples ahead: one transaction for each order. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../runtime/errors.ts';
import { inTransaction } from '../../runtime/transaction.ts';
import type { AheadOrder, AheadOutcome } from './ahead-protocol.ts';
import { openForSamples } from './database.ts';
import { SampleRows } from './sample-rows.ts';
import { SampleStatements } from './sample-statements.ts';

const db = openForSamples(String(workerData));
const samples = new SampleStatements(db);
const passes = db.prepare('SELECT passes FROM samples_ahead');
const begin = db.prepare(
  'INSERT INTO samples_ahead SELECT 1, ifnull(max(rowid), 0), 0 FROM samples',
);
const note = db.prepare('UPDATE samples_ahead SET passes = ?');

function write({ pass, rows }: AheadOrder): void {
  inTransaction(db, () => {
    const done = passes.get()?.['passes'];
    // An earlier thread ended after its commit, before it could say so.
    if (done === pass) return;
    if (done === undefined) begin.run();
    samples.write(new SampleRows(rows));
    note.run(pass);
  });
}

function outcomeOf(order: AheadOrder): AheadOutcome {
  try {
    write(order);
    return {};
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

parentPort?.on('message', (order: AheadOrder) => parentPort?.postMessage(outcomeOf(order)));
