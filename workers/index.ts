// The Worker's entry. One script serves all surfaces and tells them apart by host and path.

import { Hono } from "hono";
import { openApiDocument } from "./console/openapi.ts";
import { resolveConsole } from "./console/resolve.ts";
import type { Env } from "./env.ts";
import { gatewayOf } from "./gateway.ts";
import { serveHostForm } from "./host_form/serve.ts";
import { runCommand } from "./http/command.ts";
import { resolveImagePing } from "./http/image_ping.ts";
import { resolvePathForm, spellingOf } from "./http/path_form.ts";
import { serveLogin } from "./login/at_gateway.ts";
import { serveConsole } from "./pages/serve.ts";
import { problem } from "./problem.ts";
import { originOf, resourceMetadata } from "./protected_resource.ts";

export { ControlObject } from "../durable/control.ts";
export { PerimeterObject } from "../durable/perimeter.ts";
export { RegistryObject } from "./registry_object.ts";
export { SessionObject } from "./session_object.ts";

type Served = { Bindings: Env };

const surfaces = new Hono<Served>();
surfaces.get("/healthz", (c) => c.json({ status: "ok", region: c.env.REGION }));
surfaces.get("/.well-known/oauth-protected-resource/*", (c) =>
  withConfig(c.env, (gateway) => resourceMetadata(c.req.raw.url, c.req.path, gateway.config)),
);
surfaces.get("/.well-known/oauth-protected-resource", (c) =>
  withConfig(c.env, (gateway) => resourceMetadata(c.req.raw.url, c.req.path, gateway.config)),
);
// No command: what the API can do is no secret, and reading it is nobody's business.
surfaces.get("/api/v1/openapi.json", (c) => withConfig(c.env, ({ config }) => openApiDocument(c.req.raw, config)));
surfaces.all("/api/v1/*", (c) =>
  withConfig(c.env, (gateway) => runCommand(c.req.raw, gateway, c.executionCtx as ExecutionContext, resolveConsole)),
);
surfaces.all("/v2/", (c) =>
  withConfig(c.env, (gateway) => runCommand(c.req.raw, gateway, c.executionCtx as ExecutionContext, resolveImagePing)),
);
surfaces.all("/login/*", (c) =>
  withConfig(c.env, async (gateway) => {
    const served = await serveLogin(c.req.raw, gateway, c.executionCtx as ExecutionContext);
    return served ?? problem("not_found", null);
  }),
);
surfaces.notFound(() => problem("not_found", null));
surfaces.onError(() => problem("internal", null));

function withConfig<T>(
  env: Env,
  serve: (gateway: Extract<ReturnType<typeof gatewayOf>, { ok: true }>["value"]) => T,
): T | Response {
  const gateway = gatewayOf(env);
  return gateway.ok ? serve(gateway.value) : problem("misconfigured", null);
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const gateway = gatewayOf(env);
    if (!gateway.ok) return problem("misconfigured", null);
    const origin = originOf(request.url);
    const host = origin.slice(origin.indexOf("//") + 2);
    const own = serveConsole(request, origin, gateway.value, ctx);
    if (own !== null) return own;
    try {
      const tool = serveHostForm(request, origin, gateway.value, ctx);
      if (tool !== null) return await tool;
    } catch {
      return problem("internal", null);
    }
    if (!gateway.value.config.hosts.has(host)) return problem("misdirected", null);
    // Tool traffic keeps its raw target and does not go through the router, which would decode it.
    const spelling = spellingOf(request.url, origin.length);
    if (spelling === null) return surfaces.fetch(request, env, ctx);
    try {
      return await runCommand(request, gateway.value, ctx, (caller, exchange) =>
        resolvePathForm(caller, exchange, spelling),
      );
    } catch {
      // A defect. What it left open is closed when its lease lapses; its message could quote the caller.
      return problem("internal", null);
    }
  },
} satisfies ExportedHandler<Env>;
