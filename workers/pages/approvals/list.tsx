// Approvals in a list: each one a link to its page, told as short as can be.

import type { ApprovalEntry } from "../../../durable/approval_rpc.ts";
import { CommandName, Name, splitTitle, StateBadge, When } from "./parts.tsx";

interface Props {
  readonly items: readonly ApprovalEntry[];
  /** Who asked is the reader. */
  readonly isOwn: boolean;
  /** All of them are pending. */
  readonly isWaiting: boolean;
  readonly now: number;
}

export function List({ items, ...shown }: Props) {
  return (
    <ol class="approvals">
      {items.map((entry) => (
        <Item entry={entry} {...shown} />
      ))}
    </ol>
  );
}

function Item({ entry, isOwn, isWaiting, now }: { readonly entry: ApprovalEntry } & Omit<Props, "items">) {
  const { id, title, requester, actors, connection, state, requested, expires, review, deciders } = entry;
  const [first, ...others] = deciders;
  return (
    <li>
      <a href={`/approvals/${id}`}>
        <CommandName {...splitTitle(title)} />
      </a>
      <p class="dim small">
        {isOwn ? null : (
          <>
            <Name person={requester} />
            {actors.length === 0 ? "" : " through an agent"} ·{" "}
          </>
        )}
        {connection} · asked <When at={requested} now={now} />
        {first === undefined ? null : (
          <>
            {state === "pending" ? " · approved so far by " : " · decided by "}
            <Name person={first} />
            {others.map((decider) => (
              <>
                , <Name person={decider} />
              </>
            ))}
          </>
        )}
      </p>
      <p class="state small">
        {review === "owed" ? <span class="badge danger">! Review owed</span> : null}
        {state === "pending" ? (
          <span>
            expires <When at={expires} now={now} />
          </span>
        ) : null}
        {isWaiting ? null : <StateBadge state={state} />}
      </p>
    </li>
  );
}
