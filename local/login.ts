// A person's login without a browser: follows the provider's redirects, picks the person on its login
// page and takes the code at the loopback address (RFC 8252), with PKCE (RFC 7636). Nothing is short-
// cut: the same requests, cookies and forms as a browser's.

import { createHash, randomBytes } from "node:crypto";
import { CLIENT, REDIRECT_PATH } from "./oidc_provider.ts";

const REDIRECT = `http://127.0.0.1:1${REDIRECT_PATH}`;
const HOPS = 10;

export interface Tokens {
  readonly access: string;
  /** About the login, for the client: no key to any tool. */
  readonly id: string;
}

/** An access token of `subject` for `resource`. Throws if the provider refuses at any step. */
export async function login(issuer: string, subject: string, resource: string): Promise<string> {
  return (await loginTokens(issuer, subject, resource)).access;
}

export async function loginTokens(issuer: string, subject: string, resource: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const request = new URL("/auth", issuer);
  request.search = new URLSearchParams({
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope: "openid email profile groups tools",
    resource,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  }).toString();
  const answer = await walk(request, subject, REDIRECT);
  if (answer.get("state") !== state) throw new Error(`login failed: ${answer.get("error") ?? "state differs"}`);
  const code = answer.get("code");
  if (code === null) throw new Error(`login failed: ${answer.get("error") ?? "no code"}`);
  return redeem(issuer, {
    grant_type: "authorization_code",
    client_id: CLIENT,
    code,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
  });
}

/** From an authorization URL through the provider's pages: what arrives at the redirect URI. */
export async function walk(start: URL, subject: string, redirect: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let hop = 0; hop < HOPS; hop++) {
    const isLogin = url.pathname.startsWith("/interaction/");
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
    const response = await fetch(
      url,
      isLogin
        ? { method: "POST", redirect: "manual", headers, body: new URLSearchParams({ subject }) }
        : { redirect: "manual", headers },
    );
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) cookies.set(name, value);
    }
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (location === null) throw new Error(`login failed: the provider answered ${response.status} at ${url.pathname}`);
    url = new URL(location, url);
    if (url.href.startsWith(redirect)) return url.searchParams;
  }
  throw new Error("login failed: too many redirects");
}

async function redeem(issuer: string, form: Readonly<Record<string, string>>): Promise<Tokens> {
  const response = await fetch(new URL("/token", issuer), { method: "POST", body: new URLSearchParams(form) });
  const { access_token: access, id_token: id } = (await response.json()) as {
    access_token?: unknown;
    id_token?: unknown;
  };
  if (!response.ok || typeof access !== "string" || typeof id !== "string")
    throw new Error(`login failed: the token endpoint answered ${response.status}`);
  return { access, id };
}
