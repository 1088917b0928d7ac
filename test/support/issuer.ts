// A real OpenID issuer for tests, as small as one can be: discovery, a key set, and tokens signed on
// the spot with whatever claims a test wants. Nothing here is trusted beyond a test's own gateway.

import { createServer } from "node:http";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { listen, stopServer } from "./loopback.ts";

export const AUDIENCE = "sallyport-test";

export interface Person {
  readonly subject: string;
  readonly groups?: readonly string[];
  /** Further claims, or others in place of the usual ones. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface TestIssuer {
  readonly url: string;
  /** An access token (RFC 9068) of a person, valid for `seconds` from now. */
  token(person: Person, seconds?: number): Promise<string>;
  stop(): Promise<void>;
}

export async function startIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "test-key", alg: "ES256", use: "sig" };
  const server = createServer((request, response) => {
    const answer =
      request.url === "/jwks"
        ? { keys: [jwk] }
        : request.url === "/.well-known/openid-configuration"
          ? { issuer: url, jwks_uri: `${url}/jwks` }
          : null;
    response.writeHead(answer === null ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  const url = await listen(server);
  return {
    url,
    token: (person, seconds = 3600) => sign(person, seconds, url, privateKey),
    stop: () => stopServer(server),
  };
}

function sign({ subject, groups, claims }: Person, seconds: number, issuer: string, key: CryptoKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: issuer,
    aud: AUDIENCE,
    sub: subject,
    groups: groups ?? [],
    iat: now,
    exp: now + seconds,
    jti: crypto.randomUUID(),
    client_id: "test",
    ...claims,
  })
    .setProtectedHeader({ alg: "ES256", kid: "test-key", typ: "at+jwt" })
    .sign(key);
}
