// `sallyport login`, as commander knows it. What it does is loaded when it is asked for: OpenID Connect
// is a third of this program.

import type { Command } from "commander";
import { acting, withExamples, withJson } from "../acting.ts";
import type { Io } from "../io.ts";
import { CLIENT_ID, type LoginOptions } from "../login/client_id.ts";

export function loginCommand(program: Command, io: Io): Command {
  const command = program
    .command("login")
    .summary("log in to a gateway, with your browser or another device")
    .description(
      `Logs in at the gateway's login provider and keeps the tokens in a file that only you can read.
Without a URL: again at the current context's gateway.`,
    )
    .argument("[gateway]", "the gateway's URL")
    .option("--device", "show a code to enter on another device; the default where there is no browser")
    .option("--no-browser", "print the URL to open, and open nothing")
    .option("--context <name>", "the name that this login gets; the gateway's host if not given")
    .option("--gateway <url>", "the same as the argument (or SALLYPORT_GATEWAY)")
    .option("--client-id <id>", `this program's id at the provider (${CLIENT_ID})`)
    .option("--issuer <url>", "the login provider, where a gateway has several")
    .option("--scope <scopes>", "what to ask for, separated by spaces")
    .option("--no-resource", "do not tell the provider for which gateway (RFC 8707)")
    .action(
      acting(io, async (options: LoginOptions, gateway?: string) => {
        const { login } = await import("../login/log_in.ts");
        return login(options, gateway, io);
      }),
    );
  return withExamples(withJson(command), [
    ["sallyport login https://eu.tools.example.com", "first time"],
    ["sallyport login", "again, when the login has ended"],
    ["sallyport login --device", "from a machine without a browser"],
    ["sallyport login https://us.tools.example.com --context us", "a second gateway, by a short name"],
  ]);
}
