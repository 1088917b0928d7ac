// `sallyport logout`: ends the login at the provider as far as it lets one, and removes the tokens.

import type { Command } from "commander";
import { ok, type Result } from "../../core/result.ts";
import { type AccessOptions, targetOf } from "../access.ts";
import { accessOptions, acting, withExamples } from "../acting.ts";
import { readConfig, unknownContext } from "../config.ts";
import type { Io } from "../io.ts";
import { readLogin, removeLogin } from "../login/stored_login.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";

interface LogoutOptions extends AccessOptions {
  readonly all?: boolean;
}

export function logoutCommand(program: Command, io: Io): Command {
  const command = program
    .command("logout")
    .summary("forget a login, and revoke what could renew it")
    .description(
      "Removes the tokens of a context, after the provider has revoked the refresh token (RFC 7009) if it can.",
    )
    .option("--all", "of all contexts")
    .action(acting(io, (options: LogoutOptions) => logout(options, io)));
  for (const option of accessOptions()) if (option.attributeName() !== "tokenFile") command.addOption(option);
  return withExamples(command, [
    ["sallyport logout", "of the current context"],
    ["sallyport logout --context us", ""],
  ]);
}

async function logout(options: LogoutOptions, io: Io): Promise<Done> {
  const names = namesOf(options, io);
  if (!names.ok) return names;
  const { revoke } = await import("../login/revoke.ts");
  let failed: CliRefusal | null = null;
  for (const name of names.value) {
    const login = readLogin(io.env, name);
    // A file that cannot be read or trusted is removed all the same: that is what was asked for.
    const revoked = login.ok && login.value !== null ? await revoke(login.value) : ok("nothing" as const);
    removeLogin(io.env, name);
    if (!revoked.ok) failed = revoked;
    const wasThere = !login.ok || login.value !== null;
    const what = revoked.ok && revoked.value === "revoked" ? ", and its refresh token is revoked" : "";
    await io.print(wasThere ? `logged out of ${io.style.bold(name)}${what}` : `nobody was logged in at ${name}`);
  }
  if (failed === null) return ok(EXIT.ok);
  return { ok: false, ...failed, what: `the tokens are removed, but the provider did not revoke them: ${failed.what}` };
}

function namesOf(options: LogoutOptions, io: Io): Result<readonly string[], CliRefusal> {
  const config = readConfig(io.env);
  if (!config.ok) return config;
  if (options.all === true) return ok([...config.value.contexts.keys()]);
  const target = targetOf(options, io.env);
  if (!target.ok) return target;
  return target.value.context === null
    ? unknownContext(options.context ?? target.value.gateway)
    : ok([target.value.context]);
}
