// Ends what could renew a login, at the provider (RFC 7009).

import * as client from "openid-client";
import { ok, type Result } from "../../core/result.ts";
import type { CliRefusal } from "../refusal.ts";
import { oauthRefusal } from "./oauth_refusal.ts";
import { discover } from "./provider.ts";
import type { StoredLogin } from "./stored_login.ts";

export async function revoke(login: StoredLogin): Promise<Result<"revoked" | "unsupported" | "nothing", CliRefusal>> {
  if (login.refresh_token === null) return ok("nothing");
  const config = await discover(login.issuer, login.client_id);
  if (!config.ok) return config;
  if (config.value.serverMetadata().revocation_endpoint === undefined) return ok("unsupported");
  try {
    await client.tokenRevocation(config.value, login.refresh_token, { token_type_hint: "refresh_token" });
    return ok("revoked");
  } catch (error) {
    return { ok: false, ...oauthRefusal(error, login.issuer) };
  }
}
