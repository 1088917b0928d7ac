// As which client of which provider people log in on the connections' own origins: the LOGIN variable.

import * as v from "valibot";

const Text = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const Login = v.strictObject({
  /** One of ISSUERS. */
  issuer: Text,
  client_id: Text,
  /** Asked for; the provider has to give an ID token, so `openid` is among it. */
  scope: v.optional(v.pipe(Text, v.regex(/^(?:.* )?openid(?: .*)?$/)), "openid"),
  /** RFC 8707: what the access token shall be good for, for providers that ask. One of the issuer's `audiences`. */
  resource: v.optional(v.pipe(Text, v.url())),
});

export interface LoginClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  readonly resource: string | null;
  /** Null for a public client, which PKCE protects alone. */
  readonly secret: string | null;
}

/** Null if the text is no such client. */
export function parseLoginClient(text: string, secret: string): LoginClient | null {
  try {
    const parsed = v.safeParse(Login, JSON.parse(text));
    if (!parsed.success) return null;
    const { issuer, client_id: clientId, scope, resource } = parsed.output;
    return { issuer, clientId, scope, resource: resource ?? null, secret: secret === "" ? null : secret };
  } catch {
    return null;
  }
}
