// The corpus of secrets, through the masker and through secretlint: what each of them finds, by carrier.
//
// They have not the same task. secretlint warns of providers' tokens in files and leaves passwords, cards
// and accounts to others, so its recall over all of the corpus says little; over what both look for, more.

import { expect, test } from "vitest";
import { EVERY_SECRET } from "../../core/mask/mask_plan.ts";
import { maskWhole } from "../../core/mask/payload_masker.ts";
import { secretlintRanges } from "../support/secretlint.ts";
import {
  covers,
  type Document,
  documentsWithout,
  documentsWithSecret,
  type Range,
  score,
  type Score,
  type Scored,
  totalOf,
  touches,
} from "../vectors/secrets/score.ts";

const EXTENSIONS: Readonly<Record<string, string>> = { "application/json": ".json", "application/yaml": ".yaml" };

/** Found is what it says anything about, in the value or around it: it masks nothing, so that no byte could be left. */
const theirs = async ({ type, body }: Document): Promise<readonly Range[]> => {
  const ranges = await secretlintRanges(body, EXTENSIONS[type] ?? ".txt");
  const bytes = (units: number): number => new TextEncoder().encode(body.slice(0, units)).length;
  return ranges.map(([from, to]) => [bytes(from), bytes(to)]);
};

const ours = ({ type, body }: Document): readonly Range[] =>
  maskWhole(EVERY_SECRET, type, new TextEncoder().encode(body), () => "one").spans.map(({ at, length }) => [
    at,
    at + length,
  ]);

function lines(ofUs: Scored, ofThem: Scored): string {
  const cell = ({ secrets, recall, precision }: ReturnType<typeof totalOf>): string =>
    `${secrets === 0 ? "    –" : recall.toFixed(3)}  ${secrets === 0 ? "    –" : precision.toFixed(3)}`;
  const rows = ofUs.scores.map((mine, index): string => {
    const other: Score = ofThem.scores[index] ?? mine;
    return `${mine.carrier.padEnd(22)}${cell(totalOf([mine]))}   ${String(mine.wrong).padStart(5)}      ${cell(totalOf([other]))}   ${String(other.wrong).padStart(5)}`;
  });
  const total = `${"all".padEnd(22)}${cell(totalOf(ofUs.scores))}              ${cell(totalOf(ofThem.scores))}`;
  return [
    "",
    `${"".padEnd(22)}the masker                secretlint`,
    `${"".padEnd(22)}recall  prec.   wrong      recall  prec.   wrong`,
    ...rows,
    total,
  ].join("\n");
}

test("the masker finds more of the corpus than secretlint, also of what both look for; both are printed by carrier, with what they take wrongly", async () => {
  const documents = [...documentsWithSecret(), ...documentsWithout()];
  const ofUs = await score(documents, ours, covers);
  const ofThem = await score(documents, theirs, touches);
  console.log(lines(ofUs, ofThem));
  // By kind: those that secretlint finds somewhere are those it looks for.
  const kinds = new Set(documents.filter(({ secret }) => secret !== null).map(({ what }) => what));
  const missedBy = ({ missed }: Scored, kind: string): number =>
    missed.filter((one) => one.endsWith(`: ${kind}`)).length;
  const carriers = ofUs.scores.filter(({ secrets }) => secrets > 0).length;
  const common = [...kinds].filter((kind) => missedBy(ofThem, kind) < carriers);
  const recallOf = (scored: Scored): number =>
    1 - common.reduce((sum, kind) => sum + missedBy(scored, kind), 0) / (common.length * carriers);
  console.log(
    `of the ${common.length} kinds of ${kinds.size} that secretlint finds in any carrier: recall ${recallOf(ofUs).toFixed(3)} beside ${recallOf(ofThem).toFixed(3)}`,
  );
  expect(common.length).toBeGreaterThan(10);
  expect(recallOf(ofUs)).toBeGreaterThan(recallOf(ofThem));
  expect(totalOf(ofUs.scores).recall).toBeGreaterThan(totalOf(ofThem.scores).recall);
});
