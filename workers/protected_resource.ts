// How a client without a token learns where to get one: RFC 9728 metadata, and the 401's challenges.

import type { Config } from "./config.ts";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** `scheme://host` of a raw request URL. */
export function originOf(url: string): string {
  const end = url.indexOf("/", url.indexOf("//") + 2);
  return end < 0 ? url : url.slice(0, end);
}

/**
 * Metadata for the resource whose path follows the well-known part (RFC 9728 §3.1). The answer is the
 * same whether or not a connection of that name exists. `resource` is what the client used (§3.3).
 */
export function resourceMetadata(url: string, path: string, config: Config): Response {
  const body = {
    resource: originOf(url) + path.slice(WELL_KNOWN.length),
    authorization_servers: config.issuers.map((issuer) => issuer.issuer),
    bearer_methods_supported: ["header"],
    resource_name: "Sallyport",
  };
  return Response.json(body, {
    headers: {
      "cache-control": "max-age=300",
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
    },
  });
}

/**
 * Bearer first: clients that know OAuth take the first challenge, git and WebDAV clients look for Basic.
 * Clients of image registries get Basic alone: they take Bearer for their own token protocol.
 */
export function challenge(request: Request, hadToken: boolean): [string, string][] {
  const origin = originOf(request.url);
  const basic: [string, string] = ["www-authenticate", 'Basic realm="sallyport", charset="UTF-8"'];
  if (request.url.startsWith("/v2/", origin.length)) return [basic];
  const path = /^\/c\/[a-z0-9-]+/.exec(request.url.slice(origin.length))?.[0] ?? "";
  const error = hadToken ? ', error="invalid_token"' : "";
  return [
    ["www-authenticate", `Bearer realm="sallyport", resource_metadata="${origin}${WELL_KNOWN}${path}"${error}`],
    basic,
  ];
}
