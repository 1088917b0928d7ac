// What an approval's page says before all else: why something was not taken, what the reader has done, and how
// it came to its end.

import { hasLiveGrant } from "../../../core/approval/grant.ts";
import type { ApprovalDetail } from "../../approvals/detail.ts";
import type { Powers } from "../../approvals/powers.ts";
import type { PageIncoming } from "../page_route.ts";
import { When } from "./parts.tsx";
import { endText, grantEndText } from "./words.ts";

/** Why something was not taken, or that a login was renewed. */
export interface Told {
  readonly text: string;
  readonly isError: boolean;
}

interface Props {
  readonly call: PageIncoming;
  readonly detail: ApprovalDetail;
  readonly powers: Powers;
  readonly told: Told | null;
  readonly now: number;
}

export function Notices({ detail: { found, hasDecided, isOwn, standing }, powers, told, now, call }: Props) {
  const { approval } = found;
  const { state, grant, breakGlass } = approval;
  const end = endText(approval);
  const own = approval.votes.find(({ decider }) => isCaller(decider, call));
  return (
    <>
      {told === null ? null : (
        <div class={told.isError ? "notice error" : "notice"} role={told.isError ? "alert" : "status"}>
          <p>{told.text}</p>
        </div>
      )}
      {breakGlass === null ? null : (
        <div class="notice error">
          <p>
            <strong>This went on without anybody's approval.</strong>{" "}
            {breakGlass.review === "owed" ? "A review is owed." : "It was reviewed and signed off."}
          </p>
        </div>
      )}
      {hasDecided && own !== undefined ? (
        <div class="notice good" role="status">
          <p>
            <strong>You {own.decision === "approve" ? "approved" : "denied"} this</strong>{" "}
            <When at={own.time} now={now} />.
            {state.kind === "pending" ? " More people have to approve before it goes on." : ""}
          </p>
        </div>
      ) : null}
      {end === null ? null : <p>{end}</p>}
      {grant === null ? null : (
        <p>
          {hasLiveGrant(approval, now) ? (
            <>
              The like goes on without asking; this ends <When at={grant.until} now={now} />.
            </>
          ) : (
            `What was allowed for a time is over: ${grantEndText(grant.ended?.reason ?? "over")}.`
          )}
        </p>
      )}
      {state.kind === "pending" && !powers.decide && !isOwn && !hasDecided && !standing.mayDecide ? (
        <p class="dim">{WHY_NOT[standing.reason]}</p>
      ) : null}
    </>
  );
}

const WHY_NOT = {
  decider_is_requester: "You, or somebody acting for you, asked for this: others decide it.",
  decider_not_asked: "You can read this. The rule asks others to decide it.",
  decider_not_in_person: "A decision is a person's own. Nobody decides through an agent.",
  approval_stale: "The policy changed since this was asked for, so nobody can decide it any more.",
} as const;

function isCaller(
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
  { caller }: PageIncoming,
): boolean {
  const { principal } = caller.authenticated;
  return principal.issuer === issuer && principal.subject === subject;
}
