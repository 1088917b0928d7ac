// How an MCP client finds its way to a token without being told anything but the tool's address: the
// SDK's own discovery (RFC 9728, RFC 8414), registration (RFC 7591) and authorization code flow with
// PKCE and a resource indicator (RFC 8707), against a real provider.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  discoverOAuthProtectedResourceMetadata,
  discoverOAuthServerInfo,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
  UnauthorizedError,
} from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from "@modelcontextprotocol/sdk/shared/auth.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { walk } from "../../local/login.ts";
import { PEOPLE } from "../../local/oidc_people.ts";
import { type RunningProvider, startProvider } from "../../local/oidc_provider.ts";
import { startEverything, type Tool } from "../../local/tools.ts";
import { eventually, freePort, startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

const REDIRECT = "http://127.0.0.1:1/callback";
/** Seconds of an access token: long enough for a busy machine to use it, and soon over. */
const LIFETIME = 8;

let state: string;
let server: Tool;
let provider: RunningProvider;
let gateway: TestGateway;
let resource: string;
let address: URL;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "sallyport mcp login "));
  const [port, tool] = [await freePort(), await freePort()];
  const origin = `http://127.0.0.1:${port}`;
  resource = `${origin}/c/everything`;
  address = new URL(`${resource}/mcp`);
  server = await startEverything({ port: tool, state, logs: state });
  provider = await startProvider({ port: 0, people: PEOPLE, resources: [origin], state: null, lifetime: LIFETIME });
  gateway = await startGateway({
    port,
    policy: testPolicy({ everything: `http://127.0.0.1:${tool}` }),
    issuers: [{ issuer: provider.issuer, audiences: [resource], clock_skew_seconds: 0 }],
  });
});
afterAll(async () => {
  await gateway?.stop();
  await provider?.stop();
  await server?.stop();
  if (state !== undefined) rmSync(state, { recursive: true });
});

/** What an application gives the SDK: a place to keep things, and a browser, which here is a person who walks through the pages. */
class Application implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT;
  readonly clientMetadata: OAuthClientMetadata;
  information: OAuthClientInformationMixed | undefined;
  saved: OAuthTokens | undefined;
  readonly all: OAuthTokens[] = [];
  sentTo: URL | undefined;
  #verifier = "";

  constructor(scope?: string) {
    this.clientMetadata = {
      client_name: "an MCP client",
      redirect_uris: [REDIRECT],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none",
      ...(scope === undefined ? {} : { scope }),
    };
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.information;
  }

  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.information = information;
  }

  tokens(): OAuthTokens | undefined {
    return this.saved;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.saved = tokens;
    this.all.push(tokens);
  }

  redirectToAuthorization(url: URL): void {
    this.sentTo = url;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }
}

interface Connection {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
}

function connection(application: Application): Connection & { connect(): Promise<void> } {
  const client = new Client({ name: "sallyport-test", version: "1" });
  const transport = new StreamableHTTPClientTransport(address, { authProvider: application });
  return { client, transport, connect: () => client.connect(transport as Parameters<Client["connect"]>[0]) };
}

/** The whole way, from an address to a client that is connected. */
async function logIn(application: Application, person: string): Promise<Connection> {
  const stranger = connection(application);
  await expect(stranger.connect()).rejects.toThrow(UnauthorizedError);
  if (application.sentTo === undefined) throw new Error("the application was sent nowhere");
  const arrived = await walk(application.sentTo, person, REDIRECT);
  await stranger.transport.finishAuth(arrived.get("code") ?? "");
  const known = connection(application);
  await known.connect();
  return known;
}

test("a 401 names the metadata, the metadata the issuer, and the issuer its own", async () => {
  const answer = await fetch(address, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  expect(answer.status).toBe(401);
  const { resourceMetadataUrl } = extractWWWAuthenticateParams(answer);
  if (resourceMetadataUrl === undefined) throw new Error("no resource_metadata in the challenge");
  const metadata = await discoverOAuthProtectedResourceMetadata(address, { resourceMetadataUrl });
  expect(metadata).toMatchObject({ resource, bearer_methods_supported: ["header"] });
  expect(metadata.authorization_servers?.[0]).toBe(provider.issuer);
  const info = await discoverOAuthServerInfo(address, { resourceMetadataUrl });
  expect(info.authorizationServerUrl).toBe(provider.issuer);
  expect(info.authorizationServerMetadata?.token_endpoint).toBe(`${provider.issuer}/token`);
});

test("a client that builds the metadata's address itself, as RFC 9728 §3.1 says, finds the same issuer for its own address", async () => {
  const metadata = await discoverOAuthProtectedResourceMetadata(address);
  expect(metadata.resource).toBe(address.href);
  expect(metadata.authorization_servers?.[0]).toBe(provider.issuer);
});

test("a client without a token registers, logs its person in, and connects with a token for this resource", async () => {
  const application = new Application();
  const { client, transport } = await logIn(application, "alice");
  expect(application.sentTo?.origin).toBe(provider.issuer);
  expect(application.sentTo?.searchParams.get("resource")).toBe(resource);
  expect(application.sentTo?.searchParams.get("code_challenge_method")).toBe("S256");
  const claims = decodeJwt(application.saved?.access_token ?? "");
  expect(claims).toMatchObject({ iss: provider.issuer, aud: resource, sub: "alice" });
  expect((await client.listTools()).tools.map((one) => one.name)).toContain("echo");
  expect(await client.callTool({ name: "echo", arguments: { message: "hello" } })).toMatchObject({
    content: [{ type: "text", text: "Echo: hello" }],
  });
  await transport.terminateSession();
  await client.close();
  // The record names her, the provider, and the client that registered.
  const sessions = (await (await gateway.fetch("carol", "/api/v1/sessions")).json()) as {
    items: { connection: string; owner: { issuer: string; subject: string } }[];
  };
  expect(sessions.items.filter((one) => one.connection === "everything").map((one) => one.owner)).toEqual([
    { issuer: provider.issuer, subject: "alice" },
  ]);
  const requested = (await gateway.records("carol", "everything")).filter((one) => one.kind === "command.requested");
  expect(JSON.parse(requested[0]?.fields.token ?? "{}")).toMatchObject({ client: application.information?.client_id });
});

test("a client whose token ends renews it and goes on in the same sessions, the server's and the gateway's", async () => {
  const application = new Application("openid offline_access");
  const { client, transport } = await logIn(application, "bob");
  const { sessionId } = transport;
  const first = application.saved?.access_token ?? "";
  const { exp = 0 } = decodeJwt(first);
  await client.callTool({ name: "echo", arguments: { message: "before" } });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, exp * 1000 + 100 - Date.now())));
  expect(await client.callTool({ name: "echo", arguments: { message: "after" } })).toMatchObject({
    content: [{ type: "text", text: "Echo: after" }],
  });
  expect(application.all.length).toBeGreaterThan(1);
  expect(application.saved?.access_token).not.toBe(first);
  expect(transport.sessionId).toBe(sessionId);
  const exports = (await gateway.exports("carol", "everything")).filter((text) =>
    text.includes('\\"subject\\":\\"bob\\"'),
  );
  expect(exports.length).toBe(1);
  // The stream that stood open was the old token's, and was cut with it.
  const cancelled = await eventually(
    async () => (await gateway.records("carol", "everything")).filter((one) => one.kind === "command.cancelled"),
    (some) => some.length > 0,
  );
  expect(cancelled[0]?.classes.reason).toBe("token_expired");
  await client.close();
});

test("a person without the right is told 403 by the gateway, not asked to log in again", async () => {
  const application = new Application();
  await expect(logIn(application, "carol")).rejects.toMatchObject({ code: 403 });
  expect(application.all.length).toBe(1);
  const { items: sessions } = (await (await gateway.fetch("carol", "/api/v1/sessions")).json()) as {
    items: { connection: string; owner: { issuer: string; subject: string } }[];
  };
  const own = sessions.filter((one) => one.owner.issuer === provider.issuer && one.owner.subject === "carol");
  expect(own.map((one) => one.connection)).toEqual(["everything"]);
  const denied = (await gateway.records("carol", "everything")).filter((one) => one.kind === "command.denied");
  expect(denied.map((one) => one.classes)).toEqual([
    expect.objectContaining({ effect: "deny", reason: "no_rule", status: 403 }),
  ]);
});
