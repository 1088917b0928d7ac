// Who one is here, as the provider says it, and as which roles.

import { pageOf } from "./answers.tsx";
import { nameOf, Time } from "./layout.tsx";
import { VisibleLine } from "./visible_text.tsx";
import { type PageRoute, pageRoute } from "./page_route.ts";

export const YOU: PageRoute = pageRoute({
  id: "you",
  method: "GET",
  path: "/you",
  who: "anyone",
  always: true,
  answer: (call) => {
    const { principal, token } = call.caller.authenticated;
    const roles = [...call.caller.roles].sort();
    return pageOf(
      call,
      { title: "You", at: "/you" },
      <>
        <h1>
          You are{" "}
          <bdi>
            <VisibleLine text={nameOf(call.caller)} limit={200} />
          </bdi>
        </h1>
        <dl class="card">
          <dt>Subject</dt>
          <dd>
            <code>
              <VisibleLine text={principal.subject} />
            </code>
          </dd>
          <dt>Login of</dt>
          <dd>
            <code>
              <VisibleLine text={principal.issuer} />
            </code>
          </dd>
          {principal.email === null ? null : (
            <>
              <dt>Email</dt>
              <dd>
                <bdi>
                  <VisibleLine text={principal.email} />
                </bdi>
                {principal.emailVerified ? "" : " (not verified)"}
              </dd>
            </>
          )}
          <dt>Groups</dt>
          <dd>{principal.groups.length === 0 ? "none" : <VisibleLine text={principal.groups.join(", ")} />}</dd>
          <dt>Roles here</dt>
          <dd>{roles.length === 0 ? "none" : roles.join(", ")}</dd>
          <dt>Login ends</dt>
          <dd>
            <Time at={token.expires * 1000} />
          </dd>
        </dl>
        <p>
          <a href="/passkeys">Passkeys that you sign decisions with</a>
        </p>
      </>,
    );
  },
});
