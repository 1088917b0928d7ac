// A real OpenID provider for `npm start` and for tests: authorization code with PKCE for a public
// client on loopback, device flow, dynamic registration, resource indicators (RFC 8707), access
// tokens as JWTs (RFC 9068). Its login asks no password: never to be reached from another machine.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { errors, type Context } from "oidc-provider";
import { loadKeys } from "./oidc_keys.ts";
import { deviceCodePage, deviceConfirmPage, donePage, errorPage, loginPage } from "./oidc_pages.ts";
import type { Person } from "./oidc_people.ts";
import { ProviderStore } from "./oidc_store.ts";

/** The public client of the command line. Any loopback port is allowed (RFC 8252 §7.3). */
export const CLIENT = "sallyport-cli";
export const REDIRECT_PATH = "/callback";
/** The gateway, as people log in with a browser at the connections' own origins. */
export const BROWSER_CLIENT = "sallyport-browser";

export interface ProviderOptions {
  /** 0 picks a free port. */
  readonly port: number;
  readonly people: readonly Person[];
  /** Origins of the gateway. A token's audience is one of them or `<origin>/c/<connection>`; the first one if none is asked for. */
  readonly resources: readonly string[];
  /** Origins beside those that browsers are sent back to after a login: the console's. */
  readonly returning?: readonly string[];
  /** Folder that keeps the keys; null keeps nothing. */
  readonly state: string | null;
  /** Of access tokens; ES256 if not given. */
  readonly algorithm?: "RS256" | "ES256";
  /** Seconds an access token lives; an hour if not given. */
  readonly lifetime?: number;
}

export interface RunningProvider {
  /** `http://127.0.0.1:<port>` */
  readonly issuer: string;
  /** Where the public keys are, and the rest: `<issuer>/.well-known/openid-configuration`. */
  readonly server: Server;
  stop(): Promise<void>;
}

export async function startProvider(options: ProviderOptions): Promise<RunningProvider> {
  // The issuer holds the port, so the socket comes first and the provider second.
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(options.port, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, configuration(options));
  const callback = provider.callback();
  server.on("request", (request, response) => {
    if (request.url?.startsWith("/interaction/") === true) {
      interact(provider, options.people, request, response).catch(() =>
        sendPage(response, 400, errorPage("expired", "Begin again.")),
      );
    } else {
      request.url = withScope(request.url ?? "");
      callback(request, response);
    }
  });
  return { issuer, server, stop: () => stop(server) };
}

/**
 * RFC 6749 §3.3 lets a client leave the scope to the server, and MCP clients do, which register
 * themselves and are told of no scope. The library grants nothing to who asks for nothing.
 */
function withScope(url: string): string {
  if (!url.startsWith("/auth?") || new URLSearchParams(url.slice(6)).has("scope")) return url;
  return `${url}&scope=tools`;
}

function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

function configuration(options: ProviderOptions): Readonly<Record<string, unknown>> {
  const { keys, cookies } = loadKeys(options.state);
  return {
    adapter: ProviderStore,
    jwks: { keys },
    cookies: { keys: cookies },
    clients: [
      {
        client_id: CLIENT,
        client_name: "the Sallyport command line",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        response_types: ["code"],
        redirect_uris: [`http://127.0.0.1${REDIRECT_PATH}`, `http://localhost${REDIRECT_PATH}`],
      },
      {
        client_id: BROWSER_CLIENT,
        client_name: "the tools behind Sallyport",
        application_type: "web",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        redirect_uris: [...options.resources, ...(options.returning ?? [])].map((origin) => `${origin}/login/callback`),
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
    scopes: ["openid", "offline_access", "email", "profile", "groups"],
    clientBasedCORS: () => false,
    ttl: {
      AccessToken: options.lifetime ?? 3600,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    findAccount: (_: Context, id: string) => findAccount(options.people, id),
    extraTokenClaims: (context: Context, token: { readonly accountId?: string }) =>
      extraClaims(options.people, context, token.accountId),
    loadExistingGrant: grantAll,
    interactions: { url: (_: Context, interaction: { readonly uid: string }) => `/interaction/${interaction.uid}` },
    renderError: (context: Context, out: { readonly error: string; readonly error_description?: string }) => {
      context.body = errorPage(out.error, out.error_description ?? "");
    },
    features: features(options),
  };
}

function features(options: ProviderOptions): Readonly<Record<string, unknown>> {
  return {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    registration: { enabled: true },
    revocation: {
      enabled: true,
      allowedPolicy: (_: Context, client: { readonly clientId: string }, token: { readonly clientId?: string }) =>
        token.clientId === client.clientId,
    },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (context: Context, form: string, _: unknown, error: unknown) => {
        context.body = deviceCodePage(form, error !== undefined);
      },
      userCodeConfirmSource: (
        context: Context,
        form: string,
        client: { readonly clientName?: string; readonly clientId: string },
        _: unknown,
        code: string,
      ) => {
        context.body = deviceConfirmPage(form, client.clientName ?? client.clientId, code);
      },
      successSource: (context: Context) => {
        context.body = donePage();
      },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_: Context, __: unknown, oneOf: string | undefined) => oneOf ?? options.resources[0],
      useGrantedResource: () => true,
      getResourceServerInfo: (_: Context, resource: string) => {
        if (!isResource(resource, options.resources)) throw new errors.InvalidTarget();
        return {
          scope: "tools",
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: options.algorithm ?? "ES256" } },
        };
      },
    },
  };
}

export function isResource(resource: string, origins: readonly string[]): boolean {
  return origins.some(
    (origin) =>
      resource === origin ||
      (resource.startsWith(`${origin}/c/`) && /^[a-z0-9-]+$/.test(resource.slice(origin.length + 3))),
  );
}

function findAccount(
  people: readonly Person[],
  id: string,
): { accountId: string; claims(): Readonly<Record<string, unknown>> } | undefined {
  const person = people.find((one) => one.subject === id);
  if (person === undefined) return undefined;
  return { accountId: id, claims: () => ({ sub: id, ...claimsOf(person) }) };
}

function claimsOf(person: Person): Readonly<Record<string, unknown>> {
  return { name: person.name, email: person.email, email_verified: true, groups: person.groups };
}

function extraClaims(
  people: readonly Person[],
  { oidc }: Context,
  subject: string | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const person = people.find((one) => one.subject === subject);
  if (person === undefined) return undefined;
  const source = oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken ?? oidc.entities.DeviceCode;
  return {
    ...claimsOf(person),
    ...(source?.authTime === undefined ? {} : { auth_time: source.authTime }),
    ...(source?.amr === undefined ? {} : { amr: source.amr }),
  };
}

/** The person's click stands for consent to everything asked for: the demonstration has one gateway. */
async function grantAll({ oidc }: Context): Promise<unknown> {
  const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope("openid offline_access email profile groups");
  for (const resource of Object.keys(oidc.resourceServers ?? {})) grant.addResourceScope(resource, "tools");
  await grant.save();
  return grant;
}

async function interact(
  provider: Provider,
  people: readonly Person[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    sendPage(response, 200, loginPage(request.url ?? "", String(params.client_id), people));
    return;
  }
  const subject = new URLSearchParams(await readForm(request)).get("subject");
  const person = people.find((one) => one.subject === subject);
  if (person === undefined) {
    sendPage(response, 400, errorPage("unknown", "Nobody of that name."));
    return;
  }
  const result = { login: { accountId: person.subject, amr: ["pwd"], remember: false }, consent: {} };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function readForm(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 4096) throw new RangeError("form too long");
  }
  return text;
}

function sendPage(response: ServerResponse, status: number, html: string): void {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
    })
    .end(html);
}
