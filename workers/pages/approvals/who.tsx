// Who asks, through whom, from where, by which rule, and why.

import type { Approval, Identity } from "../../../core/approval/approval.ts";
import type { ConnectionSettings } from "../../../core/policy/policy.ts";
import type { ApprovalDetail } from "../../approvals/detail.ts";
import { VisibleLine, VisibleLines } from "../visible_text.tsx";
import { Name } from "./parts.tsx";

export function Who({ detail: { found, client } }: { readonly detail: ApprovalDetail }) {
  const { requester, actors } = found.approval;
  return (
    <section class="card" aria-labelledby="who">
      <h2 id="who">Who asks</h2>
      {actors.length === 0 ? null : <Chain approval={found.approval} />}
      <dl>
        <dt>Name</dt>
        <dd>{requester.name === null ? <span class="dim">not told</span> : <VisibleLine text={requester.name} />}</dd>
        <dt>Subject</dt>
        <dd>
          <code>
            <VisibleLine text={requester.subject} />
          </code>
        </dd>
        <dt>Issuer</dt>
        <dd>
          <code>
            <VisibleLine text={requester.issuer} />
          </code>
        </dd>
        <dt>Email</dt>
        <dd>
          {requester.email === null ? (
            <span class="dim">none that is verified</span>
          ) : (
            <VisibleLine text={requester.email} />
          )}
        </dd>
        {client === null ? null : (
          <>
            <dt>From</dt>
            <dd>
              <code>
                <VisibleLine text={client} />
              </code>
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** Nearest first in the approval; here from the person to what made the call. */
function Chain({ approval: { requester, actors } }: { readonly approval: Approval }) {
  const chain = [...actors].reverse();
  return (
    <>
      <p>
        Not in person: {actors.length === 1 ? "an agent acts" : `${actors.length} agents act, one for the other,`} for{" "}
        <Name person={requester} />.
      </p>
      <ol class="chain">
        <li>
          <Name person={requester} /> <span class="dim">lets act</span>
        </li>
        {chain.map((actor, i) => (
          <li>
            <Agent actor={actor} /> <span class="dim">{i === chain.length - 1 ? "made this call" : "lets act"}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Agent({ actor: { issuer, subject } }: { readonly actor: Identity }) {
  return (
    <>
      <code>
        <VisibleLine text={subject} />
      </code>{" "}
      <span class="dim">
        of <VisibleLine text={issuer} />
      </span>
    </>
  );
}

export function Why({ reason }: { readonly reason: string }) {
  return (
    <section class="card" aria-labelledby="why">
      <h2 id="why">Why, in their words</h2>
      <blockquote>
        <VisibleLines text={reason} />
      </blockquote>
    </section>
  );
}

export function Where({
  detail: { found, rule },
  connection,
}: {
  readonly detail: ApprovalDetail;
  readonly connection: ConnectionSettings | null;
}) {
  return (
    <section class="card" aria-labelledby="where">
      <h2 id="where">Where, and by which rule</h2>
      <dl>
        <dt>Connection</dt>
        <dd>
          <strong>{found.approval.connection}</strong>
          {(connection?.labels ?? []).map((label) => (
            <>
              {" "}
              <span class="tag">{label}</span>
            </>
          ))}
        </dd>
        {connection === null ? null : (
          <>
            <dt>Goes to</dt>
            <dd>
              <code>{connection.upstream}</code> <span class="dim">in the region {connection.region}</span>
            </dd>
          </>
        )}
        <dt>Rule</dt>
        <dd>
          <code>{rule.id}</code>
        </dd>
        {rule.description === null ? null : (
          <>
            <dt>It says</dt>
            <dd>
              <VisibleLines text={rule.description} />
            </dd>
          </>
        )}
        {rule.message === null ? null : (
          <>
            <dt>It told them</dt>
            <dd>
              <VisibleLines text={rule.message} />
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
