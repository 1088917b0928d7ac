// The inbox as a page: its views, what narrows it, and the list.

import type { ApprovalEntry } from "../../../durable/approval_rpc.ts";
import type { View } from "../../approvals/find.ts";
import { COUNT_LIMIT } from "../../console/approvals_live.ts";
import { List } from "./list.tsx";
import { STATES, type StateKind } from "./words.ts";

export interface Props {
  readonly view: View;
  /** Those that the reader may see. */
  readonly views: readonly View[];
  readonly state: StateKind | undefined;
  readonly connection: string | undefined;
  readonly isFirstPage: boolean;
  readonly items: readonly ApprovalEntry[];
  /** The cursor of the next page. */
  readonly older: string | null;
  readonly counts: { readonly waiting: number; readonly reviews: number };
}

/** What waits is pending, and a review is owed whatever the state. */
export function hasState(view: View): boolean {
  return view === "mine" || view === "decided" || view === "all";
}

export function titleOf(view: View): string {
  return TITLES[view].title;
}

const TITLES: Readonly<
  Record<View, { readonly tab: string; readonly title: string; readonly empty: string; readonly help: string }>
> = {
  waiting: {
    tab: "For me",
    title: "Waiting for you",
    empty: "Nothing waits for you",
    help: "When somebody asks for what you may approve, it appears here by itself. You do not see your own requests here: nobody approves what they asked for.",
  },
  mine: {
    tab: "Mine",
    title: "What you asked for",
    empty: "You have asked for nothing",
    help: "When a call of yours needs an approval, it stops, and stands here until it is decided.",
  },
  decided: {
    tab: "Decided",
    title: "What you decided",
    empty: "You have decided nothing",
    help: "What you approve or deny is kept here, with what became of it.",
  },
  reviews: {
    tab: "Reviews",
    title: "Reviews owed",
    empty: "No review is owed",
    help: "What went on without an approval, because a rule lets some people break the glass, stands here until somebody signs it off.",
  },
  all: {
    tab: "All",
    title: "All approvals",
    empty: "There are no approvals",
    help: "Whatever anybody asks for here stands in this list.",
  },
};

export function Inbox(props: Props) {
  const { waiting, reviews } = props.counts;
  return (
    <div id="inbox" data-live="/approvals/live" data-counts={`${waiting} ${reviews}`}>
      <h1>{titleOf(props.view)}</h1>
      <Tabs {...props} />
      <Filter {...props} />
      <div data-swap="list">
        <Items {...props} />
      </div>
    </div>
  );
}

function Tabs({ view, views, connection, counts }: Props) {
  return (
    <nav aria-label="Views" class="tabs" data-swap="tabs">
      <ul>
        {views.map((one) => (
          <li>
            <a href={linkTo({ view: one, connection })} {...(one === view ? { "aria-current": "page" } : {})}>
              {TITLES[one].tab}
              {one === "waiting" ? <Count count={counts.waiting} what="waiting" /> : null}
              {one === "reviews" ? <Count count={counts.reviews} what="owed" /> : null}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Count({ count, what }: { readonly count: number; readonly what: string }) {
  if (count === 0) return null;
  return (
    <span class="count">
      {count >= COUNT_LIMIT ? `${COUNT_LIMIT - 1}+` : String(count)}
      <span class="unseen"> {what}</span>
    </span>
  );
}

function Filter({ view, state, connection }: Props) {
  const isNarrowed = connection !== undefined || state !== undefined;
  return (
    <details class="narrow-by" {...(isNarrowed ? { open: true } : {})}>
      <summary>Filter</summary>
      <form method="get" action="/" class="filter" role="search" aria-label="Narrow the list">
        <input type="hidden" name="view" value={view} />
        <div>
          <label for="connection">Connection</label>
          <input
            type="text"
            id="connection"
            name="connection"
            value={connection ?? ""}
            pattern="[a-z0-9][a-z0-9\-]{0,31}"
            title="A connection's name"
            placeholder="any"
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
          />
        </div>
        {hasState(view) ? (
          <div>
            <label for="state">State</label>
            <select id="state" name="state">
              <option value="">any</option>
              {Object.entries(STATES).map(([one, { word }]) => (
                <option value={one} {...(state === one ? { selected: true } : {})}>
                  {word}
                </option>
              ))}
            </select>
          </div>
        ) : null}
        <button>Apply</button>
      </form>
    </details>
  );
}

function Items({ view, state, connection, isFirstPage, items, older }: Props) {
  const isNarrowed = state !== undefined || connection !== undefined;
  if (items.length === 0 && older === null)
    return (
      <div class="card empty">
        <h2>{isNarrowed ? "Nothing fits this filter" : TITLES[view].empty}</h2>
        {isNarrowed ? (
          <p>
            <a href={linkTo({ view })}>Show all of this view</a>
          </p>
        ) : (
          <p class="dim">{TITLES[view].help}</p>
        )}
      </div>
    );
  return (
    <>
      <List items={items} isOwn={view === "mine"} isWaiting={view === "waiting"} now={Date.now()} />
      {older === null && isFirstPage ? null : (
        <nav aria-label="Pages" class="pages">
          {isFirstPage ? null : <a href={linkTo({ view, state, connection })}>Newest</a>}
          {older === null ? null : (
            <a href={linkTo({ view, state, connection, cursor: older })} rel="next">
              Older
            </a>
          )}
        </nav>
      )}
    </>
  );
}

function linkTo(wanted: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(wanted).filter(
    (one): one is [string, string] => one[1] !== undefined && !(one[0] === "view" && one[1] === "waiting"),
  );
  return given.length === 0 ? "/" : `/?${new URLSearchParams(given).toString()}`;
}
