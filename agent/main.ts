#!/usr/bin/env node
/** The agent's verbs, nothing else. */
import { Command } from 'commander';
import { runCli } from '../runtime/cli.ts';
import { configCommand, versionCommand } from '../runtime/config/commands.ts';
import { doctorCommand } from './commands/doctor.ts';
import { generateCommand } from './commands/generate.ts';
import { outboxCommand } from './commands/outbox.ts';
import { replayCommand } from './commands/replay.ts';
import { RUN_FLAGS, runCommand } from './commands/run.ts';
import { AGENT_SPEC } from './config.ts';
import { checkConnection } from './connect.ts';

const program = new Command('windrow-agent')
  .description('windrow agent: samples this machine and sends what it measures to a collector')
  .addCommand(runCommand())
  .addCommand(replayCommand())
  .addCommand(generateCommand())
  .addCommand(outboxCommand())
  .addCommand(
    configCommand({
      spec: AGENT_SPEC,
      program: 'agent',
      flags: RUN_FLAGS,
      check: ({ values }) => checkConnection(values),
    }),
  )
  .addCommand(doctorCommand())
  .addCommand(versionCommand('windrow-agent'));

await runCli(program, process.argv.slice(2));
