// A context's access token, renewed before it ends. Providers let a refresh token be used once, so one
// process at a time renews, and whoever waited takes what that one got.

import { ok, refuse, type Result } from "../../core/result.ts";
import { tokenPath } from "../config.ts";
import type { CliRefusal } from "../refusal.ts";
import { withLock } from "./lock.ts";
import { isFresh, stale } from "./login_age.ts";
import { readLogin } from "./stored_login.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Null if nobody is logged in there. `than`: another one than this, which is too old though it is still good. */
export async function freshToken(
  env: Env,
  context: string,
  gateway: string,
  than: string | null = null,
): Promise<Result<string | null, CliRefusal>> {
  const read = readLogin(env, context);
  if (!read.ok) return read;
  if (read.value === null) return ok(null);
  if (read.value.gateway !== gateway)
    return refuse({
      reason: "refused",
      what: `the login of context ${context} is for another gateway. Do: sallyport login ${gateway} --context ${context}`,
    });
  if (isFresh(read.value) && read.value.access_token !== than) return ok(read.value.access_token);
  if (read.value.refresh_token === null) return stale(read.value);
  const done = await withLock(`${tokenPath(env, context)}.lock`, async () => {
    // Loaded only now: most calls find a token that holds.
    const { renewed } = await import("./renew.ts");
    return renewed(env, context, gateway, than);
  });
  return done === null
    ? refuse({ reason: "unreachable", what: "another sallyport has been renewing this login for a while. Try again." })
    : done.value;
}
