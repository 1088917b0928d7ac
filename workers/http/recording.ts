// How a command's bodies are recorded: how much of them, what is looked for in them, and what becomes
// of one that cannot be read.

import { EVERY_SECRET, type MaskPlan } from "../../core/mask/mask_plan.ts";
import { PayloadMasker } from "../../core/mask/payload_masker.ts";
import type { Format, MaskedPiece } from "../../core/mask/span.ts";
import type { Decision, Extent } from "../../core/policy/decision.ts";
import { extentOf } from "../../core/policy/obligations.ts";
import { type ConnectionSettings, CONSOLE } from "../../core/policy/policy.ts";
import type { Pseudonyms } from "../pseudonyms.ts";

/** What `PayloadMasker` is to those who feed it. Throws where it fails; then nothing more may be released. */
export interface Masker {
  readonly format: Format;
  push(chunk: Uint8Array): MaskedPiece;
  end(): MaskedPiece;
}

export interface Recording {
  readonly extent: Extent;
  /** What becomes of a body whose coding cannot be opened: `commit` records a keyed commitment to it and no more. */
  readonly unreadable: "refuse" | "commit";
  /** What is looked for, in bodies and in what stands around them. */
  readonly plan: MaskPlan;
  masker(contentType: string | null): Masker;
  /** Keyed, so that nothing can be guessed by it. */
  commitment(digest: Uint8Array): string;
}

/** What the policy says of this command's bodies. */
export function recordingOf(settings: ConnectionSettings, decision: Decision, pseudonyms: Pseudonyms): Recording {
  return {
    extent: extentOf(decision, settings),
    unreadable: settings.unreadable,
    plan: settings.maskPlan,
    masker: (contentType) => new PayloadMasker(settings.maskPlan, contentType, pseudonyms.of(settings.name)),
    commitment: (digest) => pseudonyms.commitment(digest),
  };
}

/** Of the gateway's own API, whose answers are records already (what changes something stands in the field `change`), and of what belongs to no connection. */
export function metadataOnly(pseudonyms: Pseudonyms): Recording {
  return {
    extent: "metadata",
    unreadable: "commit",
    plan: EVERY_SECRET,
    masker: (contentType) => new PayloadMasker(EVERY_SECRET, contentType, pseudonyms.of(CONSOLE)),
    commitment: (digest) => pseudonyms.commitment(digest),
  };
}
