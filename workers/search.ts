// Finds commands in the region's index. Never on a command's path; what it finds is no evidence.

import type { CommandPage, CommandQuery } from "../core/index/command_row.ts";

export type FindCommands = (database: D1Database, query: CommandQuery) => Promise<CommandPage>;
