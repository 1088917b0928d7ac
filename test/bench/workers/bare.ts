// A pass-through that does nothing else: what a Worker costs at least.

interface Env {
  readonly UPSTREAM: string;
}

export default {
  fetch: (request: Request, env: Env): Promise<Response> =>
    fetch(env.UPSTREAM + request.url.slice(request.url.indexOf("/", 8)), request),
} satisfies ExportedHandler<Env>;
