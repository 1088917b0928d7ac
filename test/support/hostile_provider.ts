// A login provider and a gateway's metadata in one server, that lie as a test says. Its honest answers
// log anybody in.

import { createServer, type ServerResponse } from "node:http";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { listen, stopServer } from "./loopback.ts";

export interface Lies {
  /** Members of the discovery document in place of its own. */
  readonly discovery?: Readonly<Record<string, unknown>>;
  /** Members of the gateway's RFC 9728 metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Claims of the ID token. */
  readonly idToken?: Readonly<Record<string, unknown>>;
  /** The ID token is signed with a key that is in no key set. */
  readonly isForged?: boolean;
  /** Members of the token answer. */
  readonly token?: Readonly<Record<string, unknown>>;
  /** Members of the device authorization answer. */
  readonly device?: Readonly<Record<string, unknown>>;
  /** The token endpoint's errors before it gives a token. */
  readonly pending?: string[];
  /** Answers a path itself. */
  readonly answer?: (path: string, response: ServerResponse) => boolean;
}

export interface HostileProvider {
  readonly url: string;
  lies: Lies;
  /** Paths asked for, in order. */
  readonly asked: string[];
  /** Bodies that the token endpoint got. */
  readonly forms: URLSearchParams[];
  stop(): Promise<void>;
}

export async function startHostileProvider(): Promise<HostileProvider> {
  const [good, bad] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  const jwk: JWK = { ...(await exportJWK(good.publicKey)), kid: "k", alg: "ES256", use: "sig" };
  const server = createServer((request, response) => {
    let body = "";
    request
      .on("data", (chunk) => (body += String(chunk)))
      .on("end", () => {
        void answer(new URL(request.url ?? "", url).pathname, new URLSearchParams(body), response);
      });
  });
  const url = await listen(server);
  const provider: HostileProvider = { url, lies: {}, asked: [], forms: [], stop: () => stopServer(server) };
  const answer = async (path: string, form: URLSearchParams, response: ServerResponse): Promise<void> => {
    const { lies } = provider;
    provider.asked.push(path);
    if (lies.answer?.(path, response) === true) return;
    switch (path) {
      case "/.well-known/oauth-protected-resource":
        return json(response, { resource: url, authorization_servers: [url], ...lies.metadata });
      case "/.well-known/openid-configuration":
        return json(response, { ...discovery(url), ...lies.discovery });
      case "/jwks":
        return json(response, { keys: [jwk] });
      case "/device_authorization":
        return json(response, {
          device_code: "device",
          user_code: "ABCD-EFGH",
          verification_uri: `${url}/device`,
          expires_in: 60,
          interval: 1,
          ...lies.device,
        });
      case "/token": {
        provider.forms.push(form);
        const error = lies.pending?.shift();
        if (error !== undefined) return json(response, { error }, 400);
        const key = lies.isForged === true ? bad.privateKey : good.privateKey;
        const idToken = await sign(url, key, { nonce: nonceOf(form), ...lies.idToken });
        return json(response, {
          access_token: "opaque",
          token_type: "Bearer",
          expires_in: 600,
          id_token: idToken,
          ...lies.token,
        });
      }
      case "/api/v1/whoami":
        return json(response, {
          principal: { issuer: url, subject: "alice", name: null, email: null, groups: [], actors: [] },
          roles: [],
          expires: 4_000_000_000,
        });
      default:
        response.writeHead(404).end();
    }
  };
  return provider;
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function discovery(url: string): Record<string, unknown> {
  return {
    issuer: url,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    device_authorization_endpoint: `${url}/device_authorization`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    authorization_response_iss_parameter_supported: true,
  };
}

/** A test's code names the nonce, as the server has no memory of the request: `nonce:<value>`. */
function nonceOf(form: URLSearchParams): string | undefined {
  return /^nonce:(.*)$/.exec(form.get("code") ?? "")?.[1];
}

function sign(url: string, key: CryptoKey, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: url, aud: "sallyport-cli", sub: "alice", iat: now, exp: now + 600, ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k" })
    .sign(key);
}
