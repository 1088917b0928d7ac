// `sallyport connections`: what can be called, and at which URL.

import type { Command } from "commander";
import * as v from "valibot";
import { ok } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import { rememberConnections } from "../completion_cache.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { tableLines } from "../table.ts";
import { jsonText, shown } from "../terminal.ts";

const Connections = v.object({
  items: v.array(
    v.object({
      name: v.string(),
      protocol: v.fallback(v.string(), ""),
      region: v.fallback(v.string(), ""),
      labels: v.fallback(v.array(v.string()), []),
      url: v.fallback(v.nullable(v.string()), null),
      upstream: v.optional(v.fallback(v.nullable(v.string()), null)),
    }),
  ),
});

interface ConnectionsOptions extends AccessOptions {
  readonly json?: boolean;
}

export function connectionsCommand(program: Command, io: Io): Command {
  const command = program
    .command("connections")
    .summary("list the tools that you can call, with their URLs")
    .description("Lists the connections that the policy lets you use: all of them for auditors and admins.")
    .action(acting(io, (options: ConnectionsOptions) => connections(options, io)));
  return withExamples(withAccess(withJson(command)), [["sallyport connections", ""]]);
}

async function connections(options: ConnectionsOptions, io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await callJson(access.value, { path: "/api/v1/connections" });
  if (!got.ok) return got;
  const parsed = v.safeParse(Connections, got.value);
  if (!parsed.success) return notAGateway();
  const { items } = parsed.output;
  rememberConnections(
    io.env,
    access.value.gateway,
    items.map(({ name }) => name),
  );
  if (options.json === true) await io.print(jsonText(items));
  else if (items.length === 0) io.note("no connections: the policy lets you use none.");
  else {
    const hasUpstream = items.some(({ upstream }) => typeof upstream === "string");
    const columns = [
      { title: "NAME", min: 8 },
      { title: "URL" },
      { title: "REGION", drop: 1 },
      { title: "LABELS", min: 6, drop: 2 },
      ...(hasUpstream ? [{ title: "UPSTREAM", min: 12, drop: 3 }] : []),
    ];
    const rows = items.map(({ name, url, region, labels, upstream }) => [
      { text: shown(name, 40), style: io.style.bold },
      { text: shown(url ?? `${access.value.gateway}/c/${name}/`) },
      { text: shown(region, 32) },
      { text: labels.map((one) => shown(one, 40)).join(","), style: io.style.dim },
      ...(hasUpstream ? [{ text: shown(upstream ?? ""), style: io.style.dim }] : []),
    ]);
    for (const line of tableLines(columns, rows, io.width, io.style)) await io.print(line);
  }
  return ok(EXIT.ok);
}
