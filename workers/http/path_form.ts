// The path form, `/c/<connection>/…`: from a raw request to what is asked of which upstream.
//
// A second spelling of it is for clients that know a registry of images by its host alone and begin every
// path with `/v2/` (OCI distribution specification): an image called `<host>/c/<connection>/<name>` is
// asked for as `/v2/c/<connection>/<name>/…`, which is `/c/<connection>/v2/<name>/…` in every respect.

import type { Header } from "../../core/mask/mask_headers.ts";
import { CONSOLE } from "../../core/policy/policy.ts";
import { decide } from "../../core/policy/decide.ts";
import { deniedByDefault } from "../../core/policy/decision.ts";
import { present } from "../../core/protocol/http/credential.ts";
import { verbClass } from "../../core/protocol/http/methods.ts";
import { requestHeaders } from "../../core/protocol/http/request_headers.ts";
import { parseTarget, routeSegments, type Target, upstreamUrl } from "../../core/protocol/http/target.ts";
import type { Caller } from "../caller.ts";
import type { ProblemReason } from "../problem.ts";
import { originOf } from "../protected_resource.ts";
import type { Answerer, Asked, Exchange } from "./exchange.ts";

/** `below` is what stands in front of the rest of the path at the upstream. */
export interface Spelling {
  readonly prefix: string;
  readonly below: string;
}

export const PATH_FORM: Spelling = { prefix: "/c/", below: "" };
export const IMAGE_FORM: Spelling = { prefix: "/v2/c/", below: "/v2" };

export function resolvePathForm(caller: Caller, exchange: Exchange, spelling: Spelling = PATH_FORM): Asked {
  const { request, gateway } = exchange;
  const { policy } = exchange;
  const { method, url } = request;
  const headers: Header[] = [...request.headers];
  const nowhere = deniedByDefault(policy.hash, "no_rule");
  const parsed = parseTarget(url, spelling.prefix);
  const settings = parsed.ok ? policy.connections.get(parsed.value.connection) : undefined;
  // Names that are no connection share one session a caller: a caller must not be able to make objects by making up names.
  const connection = settings?.name ?? CONSOLE;
  const target = parsed.ok
    ? { method, path: spelling.below + parsed.value.path, query: parsed.value.query }
    : { method, path: url.slice(originOf(url).length), query: "" };
  const sent = {
    target: {
      ...target,
      path: settings === undefined && parsed.ok ? `/c/${parsed.value.connection}${target.path}` : target.path,
    },
    headers,
  };
  const refused = (refusal: ProblemReason): Asked => ({
    connection,
    method,
    decision: nowhere,
    refusal,
    answerer: null,
    sent,
    fields: {},
  });
  if (!parsed.ok) return refused(parsed.reason);
  if (verbClass(method) === null) return refused("method_unknown");
  // Any other upgrade (h2c, which some clients offer on every request) may be ignored (RFC 9110 §7.8), and is.
  if (/(?:^|,)\s*websocket\b/i.test(request.headers.get("upgrade") ?? "")) return refused("upgrade_unsupported");
  // The runtime's fetch cannot send one; dropping it would make another request of it.
  if ((method === "GET" || method === "HEAD") && request.body !== null) return refused("body_unsupported");
  const decided = decide(policy, {
    principal: caller.authenticated.principal,
    roles: caller.roles,
    connection: parsed.value.connection,
    method,
    segments: routeSegments(target.path),
    path: target.path,
    query: parsed.value.query,
    headers,
    address: exchange.address,
    region: gateway.config.region,
    now: exchange.started,
    body: { kind: "unread" },
  });
  // No rule can read a body yet.
  const decision = decided.effect === "needs_body" ? nowhere : decided;
  if (decision.effect !== "allow" || settings === undefined)
    return { connection, method, decision, refusal: null, answerer: null, sent, fields: {} };
  if (settings.region !== gateway.config.region) return refused("wrong_region");
  const answerer = upstreamOf(exchange, parsed.value, headers, spelling);
  if (typeof answerer === "string") return refused(answerer);
  return {
    connection,
    method,
    decision,
    refusal: null,
    answerer: answerer.answerer,
    sent: { target, headers: answerer.forwarded },
    fields: {},
  };
}

/** The upstream call for a target: its address, the headers as they will be sent, and its credential beside them. */
function upstreamOf(
  exchange: Exchange,
  target: Target,
  headers: readonly Header[],
  { prefix, below }: Spelling,
): { answerer: Answerer; forwarded: readonly Header[] } | ProblemReason {
  const { config } = exchange.gateway;
  const settings = exchange.policy.connections.get(target.connection);
  if (settings === undefined) return "unknown_connection";
  const upstream = settings.upstream + below;
  const origin = originOf(exchange.request.url);
  const pathForm = origin + prefix + target.connection;
  const scheme = origin.startsWith("https:") ? "https" : "http";
  const from = {
    address: exchange.address,
    host: origin.slice(scheme.length + 3),
    scheme,
    pathForm,
    upstream,
    ...(settings.credential?.as === "header" ? { credentialHeader: settings.credential.name } : {}),
  } as const;
  const forwarded = requestHeaders(headers, from);
  if (!forwarded.ok) return forwarded.reason;
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
      headers: credential.length === 0 ? forwarded.value : [...forwarded.value, ...credential],
      secretQuery,
      upstream,
      pathForm,
      path: target.path,
      timeoutMs: settings.timeoutSeconds * 1000,
    },
    forwarded: forwarded.value,
  };
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
