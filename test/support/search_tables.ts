// Before each test file of the runtime: the search database has its tables, as in every region.

/// <reference types="@cloudflare/vitest-plugin/types" />
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";

const { SEARCH, SEARCH_MIGRATIONS } = env as unknown as { SEARCH: D1Database; SEARCH_MIGRATIONS: D1Migration[] };
await applyD1Migrations(SEARCH, SEARCH_MIGRATIONS);
