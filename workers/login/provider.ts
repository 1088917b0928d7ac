// The conversation with the login provider: authorization code with PKCE (RFC 6749 §4.1, RFC 7636),
// by oauth4webapi, which checks what OpenID Connect Core §3.1.3.7 says of the answer: issuer, audience,
// nonce, times, and that the state and issuer which come back are the ones that were sent (RFC 9207).

import * as oauth from "oauth4webapi";
import { fetchMetadata, TIMEOUT_MS } from "../../core/auth/discovery.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Config } from "../config.ts";
import type { LoginClient } from "./client.ts";

export type ProviderRefusal = {
  readonly reason: "provider_unreachable" | "provider_refused" | "person_needed" | "answer_invalid";
};

/** What a browser keeps of a login, derived; see workers/login/login_cookie.ts. */
export interface Proofs {
  readonly verifier: string;
  readonly nonce: string;
}

/** Where the provider sends the browser back to: `<origin>/login/callback`. */
export interface Returning extends Pick<Config, "allowInsecureHttp"> {
  readonly origin: string;
}

const secureFetch = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);

/** The provider as it describes itself; null if it cannot be reached, or sends people to where nobody should log in. */
async function serverOf(
  client: LoginClient,
  { allowInsecureHttp }: Returning,
): Promise<oauth.AuthorizationServer | null> {
  const metadata = await fetchMetadata(client.issuer, secureFetch);
  if (metadata === null) return null;
  const { authorization_endpoint: authorize, token_endpoint: token } = metadata;
  const isAllowed = (url: unknown): boolean =>
    typeof url === "string" && (url.startsWith("https://") || (allowInsecureHttp && url.startsWith("http://")));
  return isAllowed(authorize) && isAllowed(token) ? { ...metadata, issuer: client.issuer } : null;
}

/** Where the browser is sent to log in; null if the provider cannot be reached. `silently` shows the person nothing (`prompt=none`). */
export async function authorizationUrl(
  client: LoginClient,
  returning: Returning,
  { verifier, nonce }: Proofs,
  state: string,
  silently = false,
): Promise<string | null> {
  const server = await serverOf(client, returning);
  if (server?.authorization_endpoint === undefined) return null;
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri(returning),
    scope: client.scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...(client.resource === null ? {} : { resource: client.resource }),
    ...(silently ? { prompt: "none" } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** The access token that a callback's code is good for. `state` is the one that was sent. */
export async function redeemCode(
  client: LoginClient,
  returning: Returning,
  { verifier, nonce }: Proofs,
  callback: URLSearchParams,
  state: string,
): Promise<Result<string, ProviderRefusal>> {
  const server = await serverOf(client, returning);
  if (server === null) return refuse({ reason: "provider_unreachable" });
  const by: oauth.Client = { client_id: client.clientId };
  try {
    const answer = oauth.validateAuthResponse(server, by, callback, state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      by,
      authentication(client, server),
      answer,
      redirectUri(returning),
      verifier,
      {
        [oauth.customFetch]: (url, init) => fetch(url, { ...init, redirect: "manual", cache: "no-store" }),
        [oauth.allowInsecureRequests]: returning.allowInsecureHttp,
        signal: () => AbortSignal.timeout(TIMEOUT_MS),
        ...(client.resource === null ? {} : { additionalParameters: { resource: client.resource } }),
      },
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, by, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    return ok(tokens.access_token);
  } catch (error) {
    return refuse({ reason: reasonOf(error) });
  }
}

const PERSON_NEEDED: ReadonlySet<string> = new Set([
  "login_required",
  "interaction_required",
  "consent_required",
  "account_selection_required",
]);

/** Never what the error says: it quotes what the provider sent. */
function reasonOf(error: unknown): ProviderRefusal["reason"] {
  // OpenID Connect Core §3.1.2.6: what was asked for silently cannot be answered so.
  if (error instanceof oauth.AuthorizationResponseError && PERSON_NEEDED.has(error.error)) return "person_needed";
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
    return "provider_refused";
  if (error instanceof oauth.OperationProcessingError) return "answer_invalid";
  return "provider_unreachable";
}

function authentication({ secret }: LoginClient, server: oauth.AuthorizationServer): oauth.ClientAuth {
  if (secret === null) return oauth.None();
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
}

function redirectUri({ origin }: Returning): string {
  return `${origin}/login/callback`;
}
