// The forms by which somebody decides, takes back or signs off. Plain ones: a script sends the same.

import type { Approval } from "../../../core/approval/approval.ts";
import type { Child } from "hono/jsx";
import type { ApprovalDetail } from "../../approvals/detail.ts";
import type { Powers } from "../../approvals/powers.ts";
import { FormToken } from "../answers.tsx";
import type { PageIncoming } from "../page_route.ts";
import { Name, Sign } from "./parts.tsx";
import { type Signing, SignStep } from "./signing.tsx";

/** Characters of a comment, as the API takes them. */
export const COMMENT_LIMIT = 1024;
const GRANT_MINUTES = 15;

/** What somebody has typed, to be kept where it was not taken. */
export interface Typed {
  readonly comment: string;
  readonly minutes: string;
}

export interface Acting {
  readonly call: PageIncoming;
  readonly detail: ApprovalDetail;
  readonly powers: Powers;
  /** What a decision is signed with; null where the rule asks for no signature. */
  readonly signing: Signing | null;
  readonly typed: Typed;
}

export function Acts(acting: Acting) {
  const { powers } = acting;
  if (!powers.decide && !powers.cancel && !powers.revoke && !powers.review) return null;
  return (
    <section class="card acts" id="decide" aria-labelledby="decide-title">
      {powers.decide ? <Decide {...acting} /> : null}
      {powers.review ? <Review {...acting} /> : null}
      {powers.revoke ? <Revoke {...acting} /> : null}
      {powers.cancel ? <Cancel {...acting} /> : null}
    </section>
  );
}

interface Sending {
  readonly call: PageIncoming;
  readonly action: string;
  readonly children?: Child;
}

function ActForm({ call, action, children }: Sending) {
  return (
    <form method="post" action={action} data-in-place="yes">
      {/* What Enter presses: nothing is decided by it. */}
      <button type="submit" disabled hidden />
      <FormToken call={call} action={action} />
      {children}
    </form>
  );
}

function Decide({ call, detail, signing, typed }: Acting) {
  const { approval } = detail.found;
  const { grant } = approval.terms;
  return (
    <>
      <h2 id="decide-title">Your decision</h2>
      <ActForm call={call} action={`/approvals/${approval.id}/decision`}>
        <input type="hidden" name="seen" value={detail.seen} />
        <Comment
          needed={approval.terms.commentNeeded}
          typed={typed}
          hint="Told to whoever asked if you deny, and kept in the record."
        />
        {signing === null ? null : <SignStep signing={signing} />}
        <p class="actions pair">
          <button class="primary" name="decision" value="approve">
            <Sign d="M3 8.5l3.5 3.5L13 4.5" /> Approve once
          </button>
          <button class="danger" name="decision" value="deny">
            <Sign d="M4 4l8 8M12 4l-8 8" /> Deny
          </button>
        </p>
        {grant === null ? null : <ForATime approval={approval} grant={grant} typed={typed} />}
      </ActForm>
    </>
  );
}

function ForATime({
  approval,
  grant: { maxMs, scope },
  typed,
}: {
  readonly approval: Approval;
  readonly grant: NonNullable<Approval["terms"]["grant"]>;
  readonly typed: Typed;
}) {
  const most = Math.floor(maxMs / 60_000);
  return (
    <fieldset class="for-a-time">
      <legend>Or allow it for a time</legend>
      <p class="small" id="grant-means">
        {scope === "target"
          ? "The same method and target, with whatever body, goes on without asking"
          : "Whatever this rule asks about goes on without asking"}{" "}
        for <Name person={approval.requester} />, until the time is over or somebody takes it back.
      </p>
      <div class="inline">
        <label for="minutes">Minutes, {most} at most</label>
        <input
          type="number"
          id="minutes"
          name="minutes"
          inputmode="numeric"
          min="1"
          max={String(most)}
          step="1"
          value={typed.minutes === "" ? String(Math.min(GRANT_MINUTES, most)) : typed.minutes}
          aria-describedby="grant-means"
        />
        <button name="decision" value="grant">
          <Sign d="M8 4v4l3 2M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 1 0 0-12.5" /> Approve for so long
        </button>
      </div>
    </fieldset>
  );
}

function Comment({ needed, typed, hint }: { readonly needed: boolean; readonly typed: Typed; readonly hint: string }) {
  return (
    <>
      <label for="comment">Comment{needed ? " (needed)" : " (optional)"}</label>
      <textarea
        id="comment"
        name="comment"
        maxlength={COMMENT_LIMIT}
        rows={3}
        aria-describedby="comment-hint"
        {...(needed ? { required: true } : {})}
      >
        {`\n${typed.comment}`}
      </textarea>
      <p class="dim small hint" id="comment-hint">
        {hint}
      </p>
    </>
  );
}

function Review({ call, detail: { found }, typed }: Acting) {
  return (
    <>
      <h2 id="decide-title">A review is owed</h2>
      <p>Read what was done, and sign it off.</p>
      <ActForm call={call} action={`/approvals/${found.approval.id}/review`}>
        <Comment needed={found.approval.terms.commentNeeded} typed={typed} hint="What you found. Kept in the record." />
        <p class="actions">
          <button class="primary">
            <Sign d="M3 8.5l3.5 3.5L13 4.5" /> Sign off
          </button>
        </p>
      </ActForm>
    </>
  );
}

function Revoke({ call, detail: { found }, powers, typed }: Acting) {
  return (
    <>
      <h2 {...(powers.review ? {} : { id: "decide-title" })}>Take it back</h2>
      <p>{found.approval.grant === null ? "It was not used yet." : "What runs under it is cut within a second."}</p>
      <ActForm call={call} action={`/approvals/${found.approval.id}/revoke`}>
        {powers.review ? null : <Comment needed={false} typed={typed} hint="Kept in the record." />}
        <p class="actions">
          <button class="danger">
            <Sign d="M4 4l8 8M12 4l-8 8" /> Revoke the approval
          </button>
        </p>
      </ActForm>
    </>
  );
}

function Cancel({ call, detail: { found }, powers }: Acting) {
  const isFirst = !powers.decide && !powers.review && !powers.revoke;
  return (
    <>
      <h2 {...(isFirst ? { id: "decide-title" } : {})}>You asked for this</h2>
      <p>
        {found.approval.state.kind === "pending"
          ? "Others decide it. You can take your request back."
          : "You can give back what was approved."}
      </p>
      <ActForm call={call} action={`/approvals/${found.approval.id}/cancel`}>
        <p class="actions">
          <button>Take it back</button>
        </p>
      </ActForm>
    </>
  );
}
