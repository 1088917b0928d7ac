// What exactly is to be decided on. Each protocol has its own form; what is not known by its name is shown
// as HTTP is, which leaves nothing out.

import { changesMeaning } from "../../../core/approval/digest.ts";
import type { ApprovalDetail } from "../../approvals/detail.ts";
import { Body } from "../body.tsx";
import { VisibleLine } from "../visible_text.tsx";
import { CommandName } from "./parts.tsx";

/** Characters of a path that the page's heading shows; a longer one, or one with a query, stands here as well, whole. */
export const HEADING_LIMIT = 200;

export function What({ detail, whole }: { readonly detail: ApprovalDetail; readonly whole: string }) {
  return (
    <section class="card" aria-labelledby="what">
      <h2 id="what">What exactly</h2>
      {detail.message === null ? <HttpCommand detail={detail} /> : <SocketMessage detail={detail} />}
      <h3>{detail.message === null ? "Body" : "Message"}</h3>
      <Body body={detail.body} whole={whole} />
    </section>
  );
}

function HttpCommand({ detail: { method, target, headers } }: { readonly detail: ApprovalDetail }) {
  const counts = headers.filter(([name]) => changesMeaning(name));
  const others = headers.filter(([name]) => !changesMeaning(name));
  return (
    <>
      {target.length > HEADING_LIMIT || target.includes("?") ? (
        <p class="exact">
          <CommandName method={method} target={target} />
        </p>
      ) : null}
      <Query target={target} />
      {counts.length === 0 ? null : (
        <>
          <h3>Headers that change what it does</h3>
          <Headers headers={counts} />
        </>
      )}
      {others.length === 0 ? null : (
        <details>
          <summary>
            {counts.length === 0 ? "Headers" : "Other headers"} ({others.length})
          </summary>
          <Headers headers={others} />
        </details>
      )}
    </>
  );
}

function SocketMessage({ detail: { method, target, message } }: { readonly detail: ApprovalDetail }) {
  return (
    <>
      <p class="exact">
        <CommandName method={method} target={target} />
      </p>
      <p>
        {method === "RECEIVE" ? "A message from the upstream to whoever asked" : "A message to the upstream"}, as{" "}
        {message === "text" ? "text" : "bytes"}, on a WebSocket that is open. Later messages of this direction wait
        behind it.
      </p>
    </>
  );
}

/** Percent-encoding hides what a name says. */
function Query({ target }: { readonly target: string }) {
  const at = target.indexOf("?");
  const pairs = at < 0 ? [] : [...new URLSearchParams(target.slice(at + 1))];
  if (pairs.length === 0) return null;
  return (
    <details>
      <summary>Query, decoded ({pairs.length})</summary>
      <Pairs pairs={pairs.slice(0, 100)} caption="Query, decoded" />
    </details>
  );
}

function Headers({ headers }: { readonly headers: ApprovalDetail["headers"] }) {
  return <Pairs pairs={headers} caption="Headers" />;
}

function Pairs({
  pairs,
  caption,
}: {
  readonly pairs: readonly (readonly [string, string])[];
  readonly caption: string;
}) {
  return (
    <table class="pairs">
      <caption class="unseen">{caption}</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {pairs.map(([name, value]) => (
          <tr>
            <th scope="row">
              <code>
                <VisibleLine text={name} limit={256} />
              </code>
            </th>
            <td>
              <code>
                <VisibleLine text={value} />
              </code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
