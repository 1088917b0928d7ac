// The console's first page: who one is here, and what there is to do.

import { pageOf } from "./answers.tsx";
import { nameOf, Time } from "./layout.tsx";
import { type PageRoute, pageRoute } from "./page_route.ts";

export const HOME: PageRoute = pageRoute({
  id: "home",
  method: "GET",
  path: "/",
  who: "anyone",
  always: true,
  answer: (call) => {
    const { principal, token } = call.caller.authenticated;
    const roles = [...call.caller.roles].sort();
    return pageOf(
      call,
      { title: "Overview", at: "/" },
      <>
        <h1>
          You are <bdi>{nameOf(call.caller)}</bdi>
        </h1>
        <dl class="card">
          <dt>Subject</dt>
          <dd>
            <code>{principal.subject}</code>
          </dd>
          <dt>Login of</dt>
          <dd>
            <code>{principal.issuer}</code>
          </dd>
          {principal.email === null ? null : (
            <>
              <dt>Email</dt>
              <dd>
                <bdi>{principal.email}</bdi>
                {principal.emailVerified ? "" : " (not verified)"}
              </dd>
            </>
          )}
          <dt>Groups</dt>
          <dd>{principal.groups.length === 0 ? "none" : principal.groups.join(", ")}</dd>
          <dt>Roles here</dt>
          <dd>{roles.length === 0 ? "none" : roles.join(", ")}</dd>
          <dt>Login ends</dt>
          <dd>
            <Time at={token.expires * 1000} />
          </dd>
        </dl>
      </>,
    );
  },
});
