/**
 * The child of `inventory.ts`: asks the machine, checks the answer, writes it to stdout as JSON.
 * The schema is applied here so that the agent itself never loads zod.
 */
import { inventoryFactsSchema } from '../../wire/records/inventory.ts';
import { askMachine, factsFrom } from './inventory-facts.ts';

void answer();

async function answer(): Promise<void> {
  const facts = inventoryFactsSchema.parse(factsFrom(await askMachine()));
  process.stdout.write(JSON.stringify(facts));
}
