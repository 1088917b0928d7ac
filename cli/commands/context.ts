// `sallyport context …`: the gateways that one works with, by name.

import type { Command } from "commander";
import { ok, refuse, type Result } from "../../core/result.ts";
import { gatewayUrl } from "../access_url.ts";
import { acting, withExamples, withJson } from "../acting.ts";
import { contextName, readConfig, unknownContext, writeConfig } from "../config.ts";
import { type Context, type Contexts, nameFor, withContext, withoutContext } from "../contexts.ts";
import type { Io } from "../io.ts";
import { readLogin, removeLogin } from "../login/stored_login.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { type Cell, tableLines } from "../table.ts";
import { shortTime } from "../time_text.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface AddOptions {
  readonly issuer?: string;
  readonly clientId?: string;
}

export function contextCommand(program: Command, io: Io): Command {
  const context = program
    .command("context")
    .summary("the gateways you work with, by name")
    .description(
      `A context is a gateway's URL under a name, with its own login. Commands use the current one, unless
--context, --gateway or SALLYPORT_GATEWAY says otherwise. \`sallyport login URL\` makes one, too.`,
    )
    .usage("<list|use|add|remove|show>")
    .helpCommand(false);
  withJson(context.command("list").description("Lists them; the current one has a star.")).action(
    acting(io, (options: JsonOption) => list(options, io)),
  );
  context
    .command("use")
    .description("Makes one the current one.")
    .argument("<context>")
    .action(acting(io, (_: object, name: string) => use(name, io)));
  context
    .command("add")
    .description("Adds one without logging in.")
    .argument("<gateway>", "the gateway's URL")
    .argument("[name]", "the gateway's host if not given")
    .option("--issuer <url>", "the login provider, where a gateway has several")
    .option("--client-id <id>", "this program's id at the provider")
    .action(acting(io, (options: AddOptions, gateway: string, name?: string) => add(options, gateway, name, io)));
  context
    .command("remove")
    .description("Removes one, and its login from this machine (logout revokes it, too).")
    .argument("<context>")
    .action(acting(io, (_: object, name: string) => remove(name, io)));
  withJson(context.command("show").description("Shows one: the current one if none is named."))
    .argument("[context]")
    .action(acting(io, (options: JsonOption, name?: string) => show(options, name, io)));
  return withExamples(context, [
    ["sallyport context list", ""],
    ["sallyport context use us", ""],
    ["sallyport context add https://us.tools.example.com us", ""],
  ]);
}

interface State {
  readonly name: string;
  readonly context: Context;
  readonly isCurrent: boolean;
  readonly login: string;
}

function statesOf({ contexts, current }: Contexts, io: Io): State[] {
  return [...contexts].map(([name, context]) => ({
    name,
    context,
    isCurrent: name === current,
    login: loginText(name, io),
  }));
}

function loginText(name: string, io: Io): string {
  const login = readLogin(io.env, name);
  if (!login.ok) return "cannot be read";
  if (login.value === null) return "not logged in";
  const { expires, refresh_token: refresh } = login.value;
  if (refresh !== null) return "logged in";
  if (expires === null) return "logged in";
  return expires * 1000 < Date.now() ? "ended" : `until ${shortTime(expires * 1000)}`;
}

async function list({ json }: JsonOption, io: Io): Promise<Done> {
  const config = readConfig(io.env);
  if (!config.ok) return config;
  const states = statesOf(config.value, io);
  if (json === true) await io.print(jsonText(states.map(plain)));
  else if (states.length === 0) io.note("no contexts yet. `sallyport login URL` makes one.");
  else {
    const rows = states.map(({ name, context, isCurrent, login }): Cell[] => [
      { text: isCurrent ? "*" : "", style: io.style.green },
      { text: name, ...(isCurrent ? { style: io.style.bold } : {}) },
      { text: shown(context.gateway) },
      { text: login, style: login.startsWith("logged") ? io.style.green : io.style.dim },
    ]);
    const columns = [{ title: "" }, { title: "NAME", min: 8 }, { title: "GATEWAY", min: 16 }, { title: "LOGIN" }];
    for (const line of tableLines(columns, rows, io.width, io.style)) await io.print(line);
  }
  return ok(EXIT.ok);
}

function plain({ name, context, isCurrent, login }: State): unknown {
  return { name, ...context, current: isCurrent, login };
}

function known(name: string, io: Io): Result<Contexts, CliRefusal> {
  const config = readConfig(io.env);
  if (!config.ok || config.value.contexts.has(name)) return config;
  return unknownContext(name);
}

async function use(name: string, io: Io): Promise<Done> {
  const config = known(name, io);
  if (!config.ok) return config;
  const written = writeConfig(io.env, { ...config.value, current: name });
  if (!written.ok) return written;
  await io.print(`now at ${io.style.bold(name)}: ${shown(config.value.contexts.get(name)?.gateway ?? "")}`);
  return ok(EXIT.ok);
}

async function add(options: AddOptions, gateway: string, given: string | undefined, io: Io): Promise<Done> {
  const config = readConfig(io.env);
  if (!config.ok) return config;
  const url = gatewayUrl(gateway);
  if (!url.ok) return url;
  const name = given === undefined ? ok(nameFor(url.value, config.value)) : contextName(given);
  if (!name.ok) return name;
  if (config.value.contexts.has(name.value))
    return refuse({
      reason: "usage",
      what: `there is a context ${name.value}. Give another name, or remove it first.`,
    });
  const context: Context = {
    gateway: url.value,
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(options.clientId === undefined ? {} : { client_id: options.clientId }),
  };
  const written = writeConfig(io.env, withContext(config.value, name.value, context));
  if (!written.ok) return written;
  await io.print(`added ${io.style.bold(name.value)}: ${url.value}`);
  return ok(EXIT.ok);
}

async function remove(name: string, io: Io): Promise<Done> {
  const config = known(name, io);
  if (!config.ok) return config;
  removeLogin(io.env, name);
  const written = writeConfig(io.env, withoutContext(config.value, name));
  if (!written.ok) return written;
  await io.print(`removed ${io.style.bold(name)}`);
  return ok(EXIT.ok);
}

async function show({ json }: JsonOption, given: string | undefined, io: Io): Promise<Done> {
  const config = readConfig(io.env);
  if (!config.ok) return config;
  const name = given ?? config.value.current;
  if (name === null)
    return refuse({ reason: "usage", what: "there is no current context. `sallyport login URL` makes one." });
  const state = statesOf(config.value, io).find((one) => one.name === name);
  if (state === undefined) return unknownContext(name);
  if (json === true) await io.print(jsonText(plain(state)));
  else {
    const { gateway, issuer, client_id: client } = state.context;
    const rows = {
      name,
      gateway,
      issuer: issuer ?? "as the gateway says",
      client: client ?? "the usual one",
      login: state.login,
    };
    for (const [label, text] of Object.entries(rows)) await io.print(`${io.style.dim(label.padEnd(8))} ${shown(text)}`);
  }
  return ok(EXIT.ok);
}
