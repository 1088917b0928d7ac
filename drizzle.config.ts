import { defineConfig } from "drizzle-kit";

// `npx drizzle-kit generate` writes a new file into migrations/d1; `--custom` for trigger SQL.
export default defineConfig({ dialect: "sqlite", schema: "./migrations/d1_schema.ts", out: "./migrations/d1" });
