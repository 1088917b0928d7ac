// A connection's own host: all of its paths are the connection's, but for `/.sallyport/…`. A browser
// that opens a page without being logged in is sent to log in; everything else is told 401. From there
// on it is a command like any other (workers/http/command.ts).

import { framingHeaders } from "../../core/protocol/http/framing.ts";
import { connectionAt, hostOrigin } from "../../core/protocol/http/host_form.ts";
import type { ConnectionName } from "../../core/ids.ts";
import { parseHostTarget } from "../../core/protocol/http/target.ts";
import type { Gateway } from "../gateway.ts";
import { type Door, runCommand } from "../http/command.ts";
import { resolveTool } from "../http/path_form.ts";
import { beginLogin, presentedByCookie, serveOwnPath, type ToolHost } from "../login/at_host.ts";
import { isPage, isSeen } from "../login/navigation.ts";
import { problemPage } from "../login/page.ts";
import { problem, problemOf } from "../problem.ts";

/** Null if the request's origin is no connection's. */
export function serveHostForm(
  request: Request,
  origin: string,
  gateway: Gateway,
  ctx: ExecutionContext,
): Promise<Response> | null {
  const { hostForm: host } = gateway.config;
  if (host === null) return null;
  const connection = connectionAt(origin.slice(origin.indexOf("//") + 2), host);
  if (connection === null || hostOrigin(connection, host) !== origin) return null;
  return serve({ request, gateway, ctx, host, origin }, connection);
}

async function serve(at: ToolHost, connection: ConnectionName): Promise<Response> {
  const { request, gateway, ctx, origin } = at;
  if (request.url.startsWith("/.sallyport/", origin.length)) return serveOwnPath(at);
  const cookie = await presentedByCookie(at);
  const byCookie = cookie !== null;
  const door: Door = {
    authorization: cookie !== null ? cookie.authorization : request.headers.get("authorization"),
    refuse: (told, hadToken) => (isPage(request) ? beginLogin(at) : problem(told, null, challenges(request, hadToken))),
  };
  const answer = await runCommand(
    request,
    gateway,
    ctx,
    (caller, exchange) =>
      resolveTool(caller, exchange, {
        parsed: parseHostTarget(request.url, connection),
        below: "",
        baseOf: () => origin,
        ownHost: { byCookie },
      }),
    door,
  );
  const refusal = problemOf(answer);
  if (refusal === null) return answer;
  // The token ended while the tool was asked.
  if (refusal.reason === "unauthenticated" && isPage(request)) return beginLogin(at);
  if (isSeen(request)) return problemPage(refusal, answer);
  for (const [name, value] of framingHeaders("none", null)) answer.headers.set(name, value);
  return answer;
}

/** A browser takes `Basic` for a reason to ask for a password, which nobody has here. */
function challenges(request: Request, hadToken: boolean): [string, string][] {
  const error = hadToken ? ', error="invalid_token"' : "";
  const bearer: [string, string] = ["www-authenticate", `Bearer realm="sallyport"${error}`];
  if (request.headers.has("sec-fetch-mode") || request.headers.has("cookie")) return [bearer];
  return [bearer, ["www-authenticate", 'Basic realm="sallyport", charset="UTF-8"']];
}
