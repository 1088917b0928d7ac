// Tool traffic: from a raw request to what is asked of which upstream. In the path form,
// `/c/<connection>/…`, or at a connection's own host (workers/host_form/serve.ts).
//
// A second spelling of it is for clients that know a registry of images by its host alone and begin every
// path with `/v2/` (OCI distribution specification): an image called `<host>/c/<connection>/<name>` is
// asked for as `/v2/c/<connection>/<name>/…`, which is `/c/<connection>/v2/<name>/…` in every respect.

import type { Header } from "../../core/mask/mask_headers.ts";
import { readToken } from "../../core/auth/credentials.ts";
import { namesIssuer } from "../../core/auth/token.ts";
import type { ConnectionName } from "../../core/ids.ts";
import { type BodyView, readJsonBody } from "../../core/policy/body.ts";
import { type ConnectionSettings, CONSOLE } from "../../core/policy/policy.ts";
import { callerPlan } from "../../core/policy/obligations.ts";
import { stands, termsOf } from "../../core/policy/stands.ts";
import { type Question, decide } from "../../core/policy/decide.ts";
import { type Decision, deniedByDefault } from "../../core/policy/decision.ts";
import { present } from "../../core/protocol/http/credential.ts";
import { isOwnRequest } from "../../core/protocol/http/same_origin.ts";
import { verbClass } from "../../core/protocol/http/methods.ts";
import { askedWhole } from "../../core/protocol/http/masked_exchange.ts";
import { requestHeaders } from "../../core/protocol/http/request_headers.ts";
import {
  parseTarget,
  rawTarget,
  routeSegments,
  type Target,
  type TargetRefusal,
  upstreamUrl,
} from "../../core/protocol/http/target.ts";
import type { Result } from "../../core/result.ts";
import { type Caller, callerOf } from "../caller.ts";
import type { ProblemReason } from "../problem.ts";
import { originOf } from "../protected_resource.ts";
import { decideByBody } from "./decide_by_body.ts";
import type { Asked, Exchange, UpstreamAnswerer } from "./exchange.ts";
import { metadataOnly, type Recording, recordingOf } from "./recording.ts";
import { socketAsked, withSubprotocols } from "./socket_asked.ts";

/** `below` is what stands in front of the rest of the path at the upstream. */
export interface Spelling {
  readonly prefix: string;
  readonly below: string;
}

export const PATH_FORM: Spelling = { prefix: "/c/", below: "" };
export const IMAGE_FORM: Spelling = { prefix: "/v2/c/", below: "/v2" };

/** How tool traffic names its connection; null for what is no tool traffic. `pathAt`: where the path begins in `url`. */
export function spellingOf(url: string, pathAt: number): Spelling | null {
  if (url.startsWith(PATH_FORM.prefix, pathAt)) return PATH_FORM;
  return url.startsWith(IMAGE_FORM.prefix, pathAt) ? IMAGE_FORM : null;
}

/** A request to a tool, in whichever form it came. */
export interface Form {
  readonly parsed: Result<Target, TargetRefusal>;
  /** What stands in front of the path at the upstream. */
  readonly below: string;
  /** What stands for the upstream's base, without a slash at the end. */
  baseOf(connection: ConnectionName): string;
  /** Null in the path form. */
  readonly ownHost: OwnHost | null;
}

export interface OwnHost {
  /** The caller was known by the cookie, which browsers send along whoever made them send the request. */
  readonly byCookie: boolean;
}

export function resolvePathForm(
  caller: Caller,
  exchange: Exchange,
  { prefix, below }: Spelling = PATH_FORM,
): Asked | Promise<Asked> {
  const { url } = exchange.request;
  return resolveTool(caller, exchange, {
    parsed: parseTarget(url, prefix),
    below,
    baseOf: (connection) => originOf(url) + prefix + connection,
    ownHost: null,
  });
}

/** A promise only where a rule has to read the body first. */
export function resolveTool(caller: Caller, exchange: Exchange, form: Form): Asked | Promise<Asked> {
  const { request, gateway, policy } = exchange;
  const { method, url } = request;
  const { parsed, below } = form;
  const headers: Header[] = [...request.headers];
  const settings = parsed.ok ? policy.connections.get(parsed.value.connection) : undefined;
  const { connection, target } = recordedAt(url, method, parsed, settings, below);
  const base = { connection, method, refusal: null, answerer: null, sent: { target, headers }, fields: {} };
  const recordingBy = (decision: Decision): Recording =>
    settings === undefined ? metadataOnly(gateway.pseudonyms) : recordingOf(settings, decision, gateway.pseudonyms);
  const refused = (refusal: ProblemReason): Asked => {
    const decision = deniedByDefault(policy.hash, "no_rule");
    return { ...base, decision, recording: recordingBy(decision), refusal };
  };
  if (!parsed.ok) return refused(parsed.reason);
  if (exchange.known.isUnreadable) return refused("policy_unreadable");
  if (verbClass(method) === null) return refused("method_unknown");
  const socket = socketAsked(request, settings);
  const unfit = form.ownHost === null ? null : hostRefusal(request, socket !== null, form.ownHost, settings);
  if (unfit !== null) return refused(unfit);
  if (typeof socket === "string") return refused(socket);
  // The runtime's fetch cannot send one; dropping it would make another request of it.
  if ((method === "GET" || method === "HEAD") && request.body !== null) return refused("body_unsupported");
  const decided = (decision: Decision, body: Uint8Array | null): Asked => {
    const recording = recordingBy(decision);
    const known = { ...base, decision, recording, ...(body === null ? {} : { body }) };
    if (decision.effect === "deny" || settings === undefined) return known;
    if (settings.region !== gateway.config.region) return refused("wrong_region");
    // Told only to those who may use it: whether a connection exists is no news for others.
    if (form.ownHost !== null && !settings.browser) return refused("no_host_form");
    const plan = callerPlan(decision, settings);
    const call = upstreamOf(exchange, settings, parsed.value, headers, form, plan !== null);
    if (typeof call === "string") return refused(call);
    if (socket !== null) {
      const sent = { target, headers: withSubprotocols(call.forwarded, socket) };
      return { ...known, answerer: { ...call.answerer, socket }, sent };
    }
    const sent = { target, headers: call.forwarded };
    const stands = standsBy(caller, exchange, question, decision, settings);
    return { ...known, answerer: call.answerer, sent, stands, ...(plan === null ? {} : { callerPlan: plan }) };
  };
  const question = questionOf(caller, exchange, parsed.value, below + parsed.value.path, headers);
  const decision = decide(policy, question);
  if (decision.effect !== "needs_body") return decided(decision, null);
  return decideByBody(exchange, caller, question, decision.limit).then((by) =>
    by.ok ? decided(by.value.decision, by.value.body) : refused(by.reason),
  );
}

/** What no rule can allow at a connection's own host; null if there is nothing. */
function hostRefusal(
  request: Request,
  isUpgrade: boolean,
  { byCookie }: OwnHost,
  settings: ConnectionSettings | undefined,
): ProblemReason | null {
  // It would outlive the login, and answer for the gateway in the browser (Service Workers §4.3).
  if (request.headers.get("service-worker") !== null) return "service_worker";
  const own = originOf(request.url);
  const asked = { method: request.method, isUpgrade, header: (name: string) => request.headers.get(name) };
  return byCookie && !isOwnRequest(asked, own, settings?.framing ?? "none") ? "cross_site" : null;
}

function questionOf(
  caller: Caller,
  { request, gateway, address, started }: Exchange,
  { connection, query }: Target,
  path: string,
  headers: readonly Header[],
): Question {
  return {
    principal: caller.authenticated.principal,
    roles: caller.roles,
    connection,
    method: request.method,
    segments: routeSegments(path),
    path,
    query,
    headers,
    address,
    region: gateway.config.region,
    now: started,
    body: request.body === null ? { kind: "none" } : { kind: "unread" },
    message: null,
  };
}

/** A body that was read whole is read again: its bytes are kept for the upstream anyway, what they say is not. */
function standsBy(
  caller: Caller,
  { gateway, policy: before }: Exchange,
  question: Question,
  decision: Decision,
  settings: ConnectionSettings,
): NonNullable<Asked["stands"]> {
  const terms = termsOf(before, decision, settings);
  return (policy, body) => {
    const { roles } = callerOf(caller.authenticated, policy, gateway.config);
    const limit = policy.connections.get(settings.name)?.jsonLimit ?? 0;
    return stands(policy, { ...question, roles, body: seenAgain(question, body, limit) }, terms);
  };
}

function seenAgain({ body, headers }: Question, bytes: Uint8Array | null, limit: number): BodyView {
  if (bytes === null) return body;
  return bytes.length > limit ? { kind: "refused", reason: "body_too_large_to_decide" } : readJsonBody(bytes, headers);
}

/** Where it is recorded, and what of the target the record has. */
function recordedAt(
  url: string,
  method: string,
  parsed: ReturnType<typeof parseTarget>,
  settings: ConnectionSettings | undefined,
  below: string,
): { readonly connection: Asked["connection"]; readonly target: Asked["sent"]["target"] } {
  // Names that are no connection share one session a caller: a caller must not be able to make objects by making up names.
  const connection = settings?.name ?? CONSOLE;
  if (!parsed.ok) return { connection, target: { method, ...rawTarget(url) } };
  const { connection: name, query } = parsed.value;
  const path = below + parsed.value.path;
  return { connection, target: { method, path: settings === undefined ? `/c/${name}${path}` : path, query } };
}

/** The upstream call for a target: its address, the headers as they will be sent, and its credential beside them. */
function upstreamOf(
  exchange: Exchange,
  settings: ConnectionSettings,
  target: Target,
  headers: readonly Header[],
  { below, baseOf, ownHost }: Form,
  isMasked: boolean,
): { answerer: UpstreamAnswerer; forwarded: readonly Header[] } | ProblemReason {
  const { config } = exchange.gateway;
  const upstream = settings.upstream + below;
  const origin = originOf(exchange.request.url);
  const pathForm = baseOf(target.connection);
  const scheme = origin.startsWith("https:") ? "https" : "http";
  const from = {
    address: exchange.address,
    host: origin.slice(scheme.length + 3),
    scheme,
    pathForm,
    upstream,
    ...(settings.credential?.as === "header" ? { credentialHeader: settings.credential.name } : {}),
    ...(ownHost === null ? {} : { ownHost: { passesAuthorization: passesAuthorization(exchange, settings, ownHost) } }),
  } as const;
  const allowed = requestHeaders(headers, from);
  if (!allowed.ok) return allowed.reason;
  const forwarded = isMasked ? askedWhole(exchange.request.method, allowed.value) : allowed.value;
  let { query } = target;
  let secretQuery = "";
  let credential: readonly Header[] = [];
  if (settings.credential !== null) {
    const secret = config.secret(settings.credential.secret);
    const presented = secret === null ? null : present(settings.credential, secret);
    if (presented === null) return "credential_missing";
    credential = presented.headers;
    // As a URL parser will write it (URL Standard, special-query percent-encode set).
    secretQuery = presented.query.replaceAll("'", "%27");
    if (settings.credential.as === "query")
      query = [withoutParameter(query, settings.credential.name), secretQuery].filter((part) => part !== "").join("&");
  }
  return {
    answerer: {
      kind: "upstream",
      url: upstreamUrl(upstream, { path: target.path, query }),
      headers: credential.length === 0 ? forwarded : [...forwarded, ...credential],
      secretQuery,
      upstream,
      pathForm,
      ownHost: ownHost === null ? null : { framing: settings.framing },
      path: target.path,
      timeoutMs: settings.timeoutSeconds * 1000,
    },
    forwarded,
  };
}

/**
 * Whether a page's `Authorization` is its upstream's business: the caller proved itself by the cookie, the
 * connection has no credential of its own in that header, and it is no token for the gateway, which no
 * upstream may see.
 */
function passesAuthorization(
  { request, gateway }: Exchange,
  { credential }: ConnectionSettings,
  { byCookie }: OwnHost,
): boolean {
  const header = request.headers.get("authorization");
  if (!byCookie || header === null || credential?.as === "basic") return false;
  const token = readToken(header);
  return !token.ok || !namesIssuer(token.value, gateway.config.issuers);
}

/** Takes a parameter out of a raw query: of two with the credential's name an upstream might believe the caller's. */
function withoutParameter(query: string, name: string): string {
  const wanted = name.toLowerCase();
  return query
    .split("&")
    .filter((pair) => parameterName(pair).toLowerCase() !== wanted)
    .join("&");
}

function parameterName(pair: string): string {
  const name = pair.split("=", 1)[0] ?? "";
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
