#!/usr/bin/env node
/** The collector's verbs, nothing else. */
import { Command } from 'commander';
import { runCli } from '../runtime/cli.ts';
import { configCommand, versionCommand } from '../runtime/config/commands.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommand } from './commands/export.ts';
import { SERVE_FLAGS, serveCommand } from './commands/serve.ts';
import { tokenCommand } from './commands/token.ts';
import { windowsCommand } from './commands/windows.ts';
import { checkSettings, COLLECTOR_SPEC } from './config.ts';

const program = new Command('windrow-collector')
  .description('windrow collector: windows, history and a live page from the samples of agents')
  .addCommand(serveCommand())
  .addCommand(windowsCommand())
  .addCommand(exportCommand())
  .addCommand(tokenCommand())
  .addCommand(
    configCommand({
      spec: COLLECTOR_SPEC,
      program: 'collector',
      flags: SERVE_FLAGS,
      check: ({ values }) => checkSettings(values),
    }),
  )
  .addCommand(doctorCommand())
  .addCommand(versionCommand('windrow-collector'));

await runCli(program, process.argv.slice(2));
