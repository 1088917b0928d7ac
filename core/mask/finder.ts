// Finds the secrets of a stream: by name, which a carrier does that knows the document, and by shape,
// which the scanner does over the same bytes. Where both speak of the same bytes, the name wins, since
// it knows where the value ends.
//
// What comes out is in order and never overlaps, and does not depend on the pieces the stream came in.

import {
  type Carrier,
  type CarrierSink,
  type Form,
  JSON_BARE,
  type Mark,
  PLAIN,
  type SpanSink,
} from "./carriers/carrier.ts";
import type { Secret } from "./secret_names.ts";
import { placeholder } from "./placeholder.ts";
import type { ShapeRules } from "./shapes/rules.ts";
import { type Scanned, type ShapeHit, ShapeScanner } from "./shapes/scanner.ts";
import { LOOK_BACK, Window } from "./window.ts";

interface Named {
  readonly start: number;
  /** Infinity while it goes on. */
  end: number;
  readonly secret: Secret;
  readonly form: Form;
  readonly isInner: boolean;
  /** It was told, and may go on: nothing comes before it any more. */
  isTold: boolean;
}

/**
 * One reader's secrets, told in order; several channels may speak of the same bytes. Of two that begin at
 * one place the document's own reader is heard, else the one whose rule comes first by its id, whichever spoke
 * first: that depends on how the pieces fall.
 */
export class Channel implements SpanSink {
  readonly #queue: Named[];
  readonly #isInner: boolean;
  #open: Named | null = null;

  constructor(queue: Named[], isInner: boolean) {
    this.#queue = queue;
    this.#isInner = isInner;
  }

  open(at: number, secret: Secret, form: Form): void {
    const isInner = this.#isInner;
    this.#open = { start: at, end: Infinity, secret, form, isInner, isTold: false };
    let place = this.#queue.length;
    while (place > 0 && goesBefore(this.#open, this.#queue[place - 1] as Named)) place--;
    this.#queue.splice(place, 0, this.#open);
  }

  close(at: number): void {
    if (this.#open !== null) this.#open.end = at;
    this.#open = null;
  }
}

function goesBefore(one: Named, other: Named): boolean {
  if (other.isTold || one.start !== other.start) return !other.isTold && one.start < other.start;
  return one.isInner === other.isInner ? one.secret.rule < other.secret.rule : other.isInner;
}

export interface CarrierTools {
  readonly window: Window;
  readonly sink: CarrierSink;
  readonly channel: () => Channel;
}

export class Finder {
  readonly window: Window = new Window();
  readonly #out: SpanSink;
  readonly #named: Named[] = [];
  readonly #bares: { readonly from: number; readonly to: number }[] = [];
  readonly #marks: { readonly at: number; readonly mark: Mark }[] = [];
  readonly #scan: Scan;
  readonly #carrier: Carrier;
  /** Bytes up to here are spoken for. */
  #done = 0;
  #decided = 0;
  /** The head of the queue of names was told to `out`, and goes on. */
  #telling = false;
  /** End of the last piece of a shape that goes on; -1 if none does. */
  #shapeOpen = -1;

  constructor(shapes: ShapeRules | null, makeCarrier: (tools: CarrierTools) => Carrier, out: SpanSink) {
    this.#out = out;
    this.#scan = new Scan(shapes, this.window);
    const named = new Channel(this.#named, false);
    const sink: CarrierSink = {
      open: (at, secret, form) => named.open(at, secret, form),
      close: (at) => named.close(at),
      bare: (from, to) => void this.#bares.push({ from, to }),
      mark: (at, mark) => void this.#marks.push({ at, mark }),
    };
    this.#carrier = makeCarrier({ window: this.window, sink, channel: () => new Channel(this.#named, true) });
  }

  /** Returns the offset before which everything is decided. */
  push(bytes: Uint8Array): number {
    const from = this.window.end;
    this.window.append(bytes, this.#decided - LOOK_BACK);
    this.#carrier.feed(from, this.window.end);
    return this.#settle(this.#carrier.undecided(this.window.end));
  }

  /** The message ends, and everything is decided; what is pushed next begins anew. */
  end(): number {
    const at = this.window.end;
    this.#carrier.finish(at);
    this.#marks.push({ at, mark: "ends" });
    return this.#settle(at);
  }

  #settle(carrierUpto: number): number {
    for (const { at, mark } of this.#marks) {
      this.#scan.to(at);
      if (mark === "on") this.#scan.on();
      else this.#scan.flush(mark === "off");
    }
    this.#marks.length = 0;
    this.#scan.to(this.#carrier.scannable?.(this.window.end) ?? this.window.end);
    if (this.#named.length > 0 || this.#scan.hits.length > 0) this.#resolve(carrierUpto);
    const hit = this.#scan.hits[0];
    const goesOn = hit?.continued === true && hit.start === this.#shapeOpen;
    if (!goesOn && this.#scan.upto > this.#shapeOpen) this.#closeShape();
    // A hit waits until it is known whether it is part of something named.
    const name = this.#named[0];
    let upto = Math.min(carrierUpto, this.#scan.upto, hit === undefined || goesOn ? Infinity : hit.start);
    // A value that may be a placeholder waits until that is known.
    if (name !== undefined && !this.#telling) upto = Math.min(upto, Math.max(name.start, this.#done));
    for (const { from, to } of this.#bares) if (from < upto && upto < to) upto = from;
    this.#decided = Math.max(this.#decided, upto);
    while (this.#bares[0] !== undefined && this.#bares[0].to <= this.#decided) this.#bares.shift();
    return this.#decided;
  }

  #resolve(carrierUpto: number): void {
    const hits = this.#scan.hits;
    for (;;) {
      const name = this.#named[0];
      const hit = hits[0];
      if (name !== undefined && (name.end <= this.#done || name.end === name.start)) {
        this.#named.shift();
      } else if (hit !== undefined && hit.end <= this.#done) {
        hits.shift();
      } else if (name !== undefined && (hit === undefined || name.start <= hit.start || this.#telling)) {
        if (!this.#tellName(name, carrierUpto)) return;
      } else if (hit === undefined) return;
      else if (name !== undefined && name.end <= hit.end && name.start > hit.start && !name.form.quoted) {
        // A word within a secret, such as a claim of a signed token.
        this.#named.shift();
      } else if (!this.#tellHit(hit, name, carrierUpto)) return;
    }
  }

  /** Whether it was told to its end. */
  #tellName(name: Named, carrierUpto: number): boolean {
    // Another channel may still speak of bytes before it, and it may end where what is told already ends.
    const start = Math.max(name.start, this.#done);
    if (!this.#telling && (start >= carrierUpto || start > this.#scan.upto)) return false;
    if (!this.#telling) {
      const { buf, base } = this.window;
      switch (placeholder(buf, name.start - base, Math.min(name.end, carrierUpto) - base, name.end !== Infinity)) {
        case "perhaps":
          return false;
        case "yes":
          this.#named.shift();
          return true;
        case "no":
      }
      this.#closeShape();
      this.#out.open(start, name.secret, name.form);
      this.#telling = true;
      name.isTold = true;
    }
    const upto = Math.min(name.end, carrierUpto);
    const hits = this.#scan.hits;
    while (hits[0] !== undefined && hits[0].end <= upto) hits.shift();
    if (name.end === Infinity) return false;
    this.#out.close(name.end);
    this.#telling = false;
    this.#done = name.end;
    this.#named.shift();
    return true;
  }

  #tellHit(hit: ShapeHit, name: Named | undefined, carrierUpto: number): boolean {
    let start = Math.max(hit.start, this.#done);
    let end = Math.min(hit.end, name?.start ?? Infinity);
    if (hit.end > carrierUpto && (name === undefined || name.end > hit.end || name.form.quoted) && end > carrierUpto)
      return false;
    while (this.#bares[0] !== undefined && this.#bares[0].to <= start) this.#bares.shift();
    const [next] = this.#bares;
    const bare =
      next !== undefined && next.from <= start && next.to >= end && next.from >= this.#done ? next : undefined;
    if (bare !== undefined) {
      start = Math.min(start, bare.from);
      end = Math.max(end, bare.to);
    }
    const goesOn = hit.continued && this.#shapeOpen === start;
    if (!goesOn) {
      this.#closeShape();
      this.#out.open(start, hit, bare === undefined ? PLAIN : JSON_BARE);
    }
    this.#done = end;
    this.#shapeOpen = end;
    if (!hit.open || end !== hit.end) this.#closeShape();
    this.#scan.hits.shift();
    // What of it stands behind the name comes as a piece of its own.
    if (end < hit.end) this.#scan.hits.unshift({ ...hit, start: end, continued: false });
    return true;
  }

  #closeShape(): void {
    if (this.#shapeOpen >= 0) this.#out.close(this.#shapeOpen);
    this.#shapeOpen = -1;
  }
}

/** The scanner, over the stretches of the stream that are text. Its offsets count what it was given. */
class Scan {
  readonly hits: ShapeHit[] = [];
  /** No hit that is still to come starts before. */
  upto = 0;
  readonly #scanner: ShapeScanner | null;
  readonly #window: Window;
  #on = true;
  #at = 0;
  /** Stream offset = scanner's offset + shift. */
  #shift = 0;

  constructor(shapes: ShapeRules | null, window: Window) {
    this.#scanner = shapes === null ? null : new ShapeScanner(shapes);
    this.#window = window;
  }

  to(at: number): void {
    if (at <= this.#at) return;
    if (this.#scanner !== null && this.#on) this.#take(this.#scanner.push(this.#window.view(this.#at, at)));
    else {
      if (!this.#on) this.#shift += at - this.#at;
      this.upto = at;
    }
    this.#at = at;
  }

  flush(off: boolean): void {
    if (this.#scanner !== null && this.#on) this.#take(this.#scanner.flush());
    this.upto = this.#at;
    if (off) this.#on = false;
  }

  on(): void {
    this.#on = true;
  }

  #take({ hits, decided }: Scanned): void {
    for (const hit of hits)
      this.hits.push(this.#shift === 0 ? hit : { ...hit, start: hit.start + this.#shift, end: hit.end + this.#shift });
    this.upto = decided + this.#shift;
  }
}
