// A pass-through that verifies the token.

import { verify, type VerifyEnv } from "./verified.ts";

export default {
  async fetch(request: Request, env: VerifyEnv): Promise<Response> {
    if ((await verify(request.headers.get("authorization"), env)) === null) return new Response(null, { status: 401 });
    return fetch(env.UPSTREAM + request.url.slice(request.url.indexOf("/", 8)), request);
  },
} satisfies ExportedHandler<VerifyEnv>;
