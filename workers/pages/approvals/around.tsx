// What stands around a decision: who can make it and who has, what the session did before, and what became
// of the very same command earlier.

import type { Vote } from "../../../core/approval/approval.ts";
import type { CommandRow } from "../../../core/index/command_row.ts";
import type { ApprovalEntry } from "../../../durable/approval_rpc.ts";
import type { ApprovalDetail } from "../../approvals/detail.ts";
import { lengthText } from "../relative_time.ts";
import { VisibleLine } from "../visible_text.tsx";
import { CommandName, Name, StateBadge, When } from "./parts.tsx";
import { slotText } from "./words.ts";

interface Seen {
  readonly detail: ApprovalDetail;
  readonly now: number;
}

export function Deciders({ detail: { found, missing }, now }: Seen) {
  const { terms, votes, state } = found.approval;
  return (
    <section class="card" aria-labelledby="deciders">
      <h2 id="deciders">Who decides</h2>
      <ul class="slots">
        {terms.by.map((slot, i) => {
          const left = missing[i] ?? slot.count;
          return (
            <li>
              <span aria-hidden="true">{left === 0 ? "✓" : "○"}</span>
              <span>
                {slotText(slot)}
                {slot.subjects.map(({ subject }, n) => (
                  <>
                    {n === 0 && slot.roles.length + slot.groups.length === 0 ? ": " : " or "}
                    <code>
                      <VisibleLine text={subject} limit={200} />
                    </code>
                  </>
                ))}
                {state.kind === "pending" ? (
                  <span class="dim">
                    {left === 0 ? " · approved" : left === 1 ? " · still to approve" : ` · ${left} still to approve`}
                  </span>
                ) : null}
              </span>
            </li>
          );
        })}
      </ul>
      {state.kind === "pending" && terms.by.length > 1 ? (
        <p class="dim small">All of them are needed. One person counts once, and one denial ends it.</p>
      ) : null}
      {votes.length === 0 ? (
        <p class="dim">Nobody has decided{state.kind === "pending" ? " yet" : ""}.</p>
      ) : (
        <Votes votes={votes} now={now} />
      )}
    </section>
  );
}

function Votes({ votes, now }: { readonly votes: readonly Vote[]; readonly now: number }) {
  return (
    <ul class="votes">
      {votes.map(({ decision, decider, comment, grantMs, time }) => (
        <li>
          <Name person={decider} />{" "}
          <strong class={decision === "approve" ? "good" : "danger"}>
            {decision === "approve" ? "approved" : "denied"}
          </strong>
          {grantMs > 0 ? ` for ${lengthText(grantMs)}` : ""} <When at={time} now={now} />
          {comment === null ? null : (
            <blockquote>
              <VisibleLine text={comment} />
            </blockquote>
          )}
        </li>
      ))}
    </ul>
  );
}

export function Before({ detail: { before }, now }: Seen) {
  return (
    <section class="card" aria-labelledby="before">
      <h2 id="before">What the session did before</h2>
      {before.length === 0 ? (
        <p class="dim">Nothing: this is its first command.</p>
      ) : (
        <ol class="rows">
          {before.map((row) => (
            <li>
              <CommandName method={row.method} target={row.path + (row.query === null ? "" : `?${row.query}`)} />
              <span class="dim small">
                {outcomeText(row)} · <When at={row.time} now={now} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function outcomeText({ outcome, status, reason }: CommandRow): string {
  const words = OUTCOMES[outcome];
  if (status !== null) return `${words}, ${status}`;
  return reason === null ? words : `${words}: ${reason.replaceAll("_", " ")}`;
}

const OUTCOMES: Readonly<Record<CommandRow["outcome"], string>> = {
  open: "not ended",
  completed: "answered",
  delivered: "delivered",
  failed: "failed",
  cancelled: "cancelled",
  denied: "refused",
  unknown: "outcome unknown",
  waiting: "waits for an approval",
  approved: "approved, not used",
  expired: "expired",
};

export function Earlier({ detail: { earlier }, now }: Seen) {
  return (
    <section class="card" aria-labelledby="earlier">
      <h2 id="earlier">The same command, earlier</h2>
      {earlier.length === 0 ? (
        <p class="dim">It was not asked for before.</p>
      ) : (
        <ol class="rows">
          {earlier.map((entry) => (
            <li>
              <span>
                <StateBadge state={entry.state} /> <a href={`/approvals/${entry.id}`}>asked for</a>{" "}
                <When at={entry.requested} now={now} />
              </span>
              <EarlierPeople entry={entry} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function EarlierPeople({ entry: { requester, deciders } }: { readonly entry: ApprovalEntry }) {
  return (
    <span class="dim small">
      by <Name person={requester} />
      {deciders.length === 0 ? null : (
        <>
          , decided by{" "}
          {deciders.map((decider, i) => (
            <>
              {i === 0 ? "" : ", "}
              <Name person={decider} />
            </>
          ))}
        </>
      )}
    </span>
  );
}
