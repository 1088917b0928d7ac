#!/usr/bin/env python3
"""Reads record vectors and whole exports, written from docs/record_format.md alone.

    read_vectors.py                    the vectors and exports beside this file
    read_vectors.py EXPORT.ndjson ...  exports of sessions
    read_vectors.py --payload COMMAND request|response FILE EXPORT.ndjson
                                       FILE holds a body as it was asked for: masked, all of it

Standard library only, and no code in common with the gateway. Exits with 1 and names the first wrong
thing, with 0 if there is none.
"""

import base64
import hashlib
import json
import pathlib
import re
import struct
import sys

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DIGEST = re.compile(r"[0-9a-f]{64}")
SHA256_AND_SIZE = re.compile(r'\{"sha256":"([0-9a-f]{64})","size":([1-9][0-9]{0,6})\}')
FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}(\.b64)?")
LEAF_KEYS = ["class", "cmd", "kind", "part", "prev", "root", "seq", "sid", "time", "v"]
KINDS = set(
    "session.opened session.closed command.requested command.denied command.completed command.failed "
    "command.cancelled response.started stream.chunk approval.requested approval.decided approval.expired "
    "approval.revoked outcome.late erasure gap".split()
)


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(data):
    return sha256(b"\x00" + data)


def tree_hash(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:]))


def counted(data):
    return struct.pack(">I", len(data)) + data


def es_json(value):
    """What ECMAScript's JSON.stringify writes for strings, integers, arrays and objects."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def no_doubles(pairs):
    keys = [key for key, _ in pairs]
    need(len(keys) == len(set(keys)), "duplicate keys")
    return dict(pairs)


def no_floats(text):
    raise Wrong("a number that is no integer: " + text)


def parse(text):
    try:
        return json.loads(text, object_pairs_hook=no_doubles, parse_float=no_floats, parse_constant=no_floats)
    except (ValueError, RecursionError) as error:
        raise Wrong("not JSON: " + type(error).__name__)


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def read_fields(fields):
    """The root, and the values of the fields that are not withheld: of those there is None."""
    need(isinstance(fields, list) and len(fields) <= 64, "fields are no list of at most 64")
    commitments, values = [], {}
    before = b""
    for field in fields:
        need(isinstance(field, list) and len(field) in (2, 3) and all(isinstance(x, str) for x in field), "a field is not two or three strings")
        name = field[0]
        need(FIELD_NAME.fullmatch(name), "field name " + ascii(name))
        need(name.encode() > before, "fields out of order at " + name)
        before = name.encode()
        if len(field) == 2:
            need(DIGEST.fullmatch(field[1]), "commitment of " + name)
            commitments.append(bytes.fromhex(field[1]))
            values[name] = None
            continue
        _, salt_text, value = field
        need(re.fullmatch(r"[A-Za-z0-9_-]{43}", salt_text), "salt of " + name)
        salt = base64.urlsafe_b64decode(salt_text + "=")
        need(base64.urlsafe_b64encode(salt).decode().rstrip("=") == salt_text and len(salt) == 32, "salt of " + name)
        try:
            data = value.encode("utf-8")
        except UnicodeEncodeError:
            raise Wrong("lone surrogate in " + name)
        commitments.append(leaf_hash(b"sallyport.field.v1" + counted(salt) + counted(name.encode()) + counted(data)))
        values[name] = value
    return tree_hash(commitments), values


def read_leaf(text):
    need(len(text) <= 2048 and all(0x20 <= ord(c) <= 0x7E for c in text), "leaf is too long or not printable ASCII")
    leaf = parse(text)
    need(isinstance(leaf, dict), "leaf is no object")
    need(leaf.get("v") == 1 and is_int(leaf["v"]), "another version than 1")
    need(list(leaf) == [key for key in LEAF_KEYS if key != "cmd" or "cmd" in leaf], "keys of the leaf")
    classes = leaf["class"]
    need(isinstance(classes, dict) and list(classes) == sorted(classes), "classes out of order")
    for key, value in classes.items():
        need(re.fullmatch(r"[a-z_]{1,32}", key), "class " + ascii(key))
        need(is_int(value) or (isinstance(value, str) and len(value) <= 128), "class " + key)
    need(leaf["kind"] in KINDS, "kind")
    need(all(is_int(leaf[key]) and leaf[key] >= 0 for key in ("part", "seq", "time")), "part, seq or time")
    need(all(isinstance(leaf[key], str) and DIGEST.fullmatch(leaf[key]) for key in ("prev", "root")), "prev or root")
    need(all(isinstance(leaf[key], str) and UUID7.fullmatch(leaf[key]) for key in ("sid", "cmd") if key in leaf), "sid or cmd")
    need(es_json(leaf) == text, "leaf is not in canonical form")
    return leaf


def inclusion_root(leaf, index, size, path):
    """RFC 6962 section 2.1.1, from the leaf upwards."""
    need(0 <= index < size, "no such leaf")
    if size == 1:
        need(not path, "path too long")
        return leaf
    need(path, "path too short")
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        return sha256(b"\x01" + inclusion_root(leaf, index, k, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + inclusion_root(leaf, index - k, size - k, path[:-1]))


def consistency_roots(m, n, path, old_root, whole=True):
    """RFC 6962 section 2.1.2: the roots of the first m leaves and of all n that the path leads to."""
    if m == n:
        if whole:
            need(not path, "path too long")
            return old_root, old_root
        need(len(path) == 1, "path of the wrong length")
        return path[0], path[0]
    need(path, "path too short")
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        old, new = consistency_roots(m, k, path[:-1], old_root, whole)
        return old, sha256(b"\x01" + new + path[-1])
    old, new = consistency_roots(m - k, n - k, path[:-1], old_root, False)
    return sha256(b"\x01" + path[-1] + old), sha256(b"\x01" + path[-1] + new)


def payload_of(values):
    """What a record holds of a body: its bytes, or (digest, size) of bytes beside it, or None where it is withheld."""
    names = [name for name in ("payload", "payload.b64", "payload_digest") if name in values]
    need(len(names) <= 1, "a body in two forms")
    if not names:
        return b""
    value = values[names[0]]
    if value is None:
        return None
    if names == ["payload_digest"]:
        told = SHA256_AND_SIZE.fullmatch(value)
        need(told and 16384 < int(told.group(2)) <= 1048576, "payload_digest")
        return told.group(1), int(told.group(2))
    try:
        data = value.encode() if names == ["payload"] else base64.b64decode(value, validate=True)
    except ValueError:
        raise Wrong("payload.b64")
    need(names == ["payload"] or base64.b64encode(data).decode() == value, "payload.b64")
    need(len(data) <= 16384, "a payload too long for a field")
    return data


def size_of(payload):
    return None if payload is None else payload[1] if isinstance(payload, tuple) else len(payload)


def check_chunk(leaf, payload, ends):
    """Section 5.2, rule 7: of each side, chunks count from 0 and follow each other without gap."""
    classes = leaf["class"]
    side = classes.get("side")
    need(side in ("request", "response"), "side of a chunk")
    need(all(is_int(classes.get(key)) and classes[key] >= 0 for key in ("offset", "length", "at")), "place of a chunk")
    count, offset, at = ends.get((leaf["cmd"], side), (0, 0, 0))
    need(leaf["part"] == 2 * count + (side == "response"), "a chunk out of turn")
    need(classes["offset"] == offset, "a chunk at byte %d of what travelled, where %d is next" % (classes["offset"], offset))
    need(at is None or classes["at"] == at, "a chunk at byte %d of what is recorded, where %s is next" % (classes["at"], at))
    size = size_of(payload)
    ends[leaf["cmd"], side] = (count + 1, offset + classes["length"], None if size is None else classes["at"] + size)


def from_base64url(text):
    need(re.fullmatch(r"[A-Za-z0-9_-]*", text), "base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def person(text):
    """Issuer and subject of a decider; None where it is not shown."""
    if text is None:
        return None
    value = parse(text)
    need(isinstance(value, dict) and isinstance(value.get("issuer"), str) and isinstance(value.get("subject"), str), "a decider who is nobody")
    return value["issuer"], value["subject"]


class Approvals:
    """Section 5.2, rules 11 to 16: what becomes of approvals, and which commands go on by them."""

    def __init__(self, opened):
        self.by_id = {}
        self.begun = set()
        self.left = set()
        principal = parse(opened.get("principal") or "{}")
        self.asker = (principal["issuer"], principal["subject"]) if "subject" in principal else None
        self.actors = [(one["issuer"], one["subject"]) for one in principal.get("actors", [])]

    def live(self):
        return [id for id, one in self.by_id.items() if one["state"] in ("pending", "approved") or one["grant"] is not None]

    def take(self, leaf, values, payload):
        kind, id, classes = leaf["kind"], leaf.get("cmd"), leaf["class"]
        if kind == "session.closed":
            need(not self.live(), "an approval is live at the end")
        if id is None:
            need(not kind.startswith("approval."), "an approval without a command")
            return
        one = self.by_id.get(id)
        if kind == "approval.requested":
            need(one is None and id not in self.begun and leaf["part"] == 0, "an approval of a command that has records")
            need(is_int(classes.get("expires")), "expires")
            people = None
            if values.get("approval") is not None:
                people = sum(slot["count"] for slot in parse(values["approval"])["by"])
            self.by_id[id] = {
                "state": "pending", "expires": classes["expires"], "until": None, "grant": None, "people": people, "fresh": True,
                "rule": (classes.get("policy"), classes.get("rule")), "deciders": [], "approvals": 0, "decided": 0, "expired": 0,
                "digest": values.get("command_digest"), "glass": "whole", "body": payload != b"",
            }
        elif kind.startswith("approval."):
            need(one is not None, "an approval that nobody asked for")
            one["fresh"] = False
            getattr(self, kind.split(".")[1])(leaf, values, one)
        elif kind == "command.requested":
            self.requested(leaf, one, payload)
            self.begun.add(id)
        elif kind == "command.denied":
            need(one is None, "a denial of a command that waits")
            self.begun.add(id)
        elif one is not None and id not in self.begun and kind != "gap":
            if kind == "command.cancelled":
                need(classes.get("reason") == "client_gone" and id not in self.left, "the end of a command that waits")
                self.left.add(id)
            else:
                need(kind == "stream.chunk" and classes.get("side") == "request" and one["fresh"] and not one["body"] and id not in self.left, kind + " of a command that waits")
        elif kind == "stream.chunk" and one is not None:
            need(classes.get("side") == "response", "a body that was not approved")

    def decided(self, leaf, values, one):
        classes = leaf["class"]
        decision, state, time = classes.get("decision"), classes.get("state"), leaf["time"]
        if "step_up" in classes:
            self.signed(leaf, values, one)
        need(leaf["part"] == one["decided"], "a decision out of turn")
        one["decided"] += 1
        who = person(values.get("decider"))
        if who is not None and decision == "break_glass":
            need(not self.actors, "an actor broke the glass")
            need(self.asker in (None, who), "another broke the glass")
        elif who is not None:
            need(who != self.asker and who not in self.actors, "a decision by who asked")
            if decision != "review":
                need(who not in one["deciders"], "a second decision by one person")
                one["deciders"].append(who)
        if decision == "review":
            need(one["glass"] == "broken", "a review that is not owed")
            one["glass"] = "reviewed"
            return
        need(one["state"] == "pending" and time < one["expires"], "a decision on what is not pending")
        one["approvals"] += decision == "approve"
        need((decision, state) in (("approve", "pending"), ("approve", "approved"), ("deny", "denied"), ("break_glass", "approved")), "a decision that does not go with its state")
        one["state"] = state
        if decision == "break_glass":
            one["glass"] = "broken"
        if state == "approved":
            need(is_int(classes.get("until")) and classes["until"] > time, "until")
            one["until"] = classes["until"]
            if "grant_until" in classes:
                need(decision == "approve" and is_int(classes["grant_until"]) and classes["grant_until"] > time, "grant_until")
                one["grant"] = classes["grant_until"]
            if decision == "approve" and one["people"] is not None:
                need(one["approvals"] >= one["people"], "an approval by too few people")

    def signed(self, leaf, values, one):
        """Section 5.5, but for the signature itself: the standard library has none of its algorithms."""
        need("assertion" in values, "what was signed is not recorded")
        if any(values.get(name, "") is None for name in ("assertion", "comment", "decider")) or one["digest"] is None:
            return
        told = parse(values["assertion"])
        need(list(told) == ["authenticator_data", "client_data", "credential", "public_key", "signature", "text"], "form of an assertion")
        said, client, data = parse(told["text"]), parse(from_base64url(told["client_data"]).decode()), from_base64url(told["authenticator_data"])
        record = {
            "label": "sallyport.decision.v1", "approval": leaf["cmd"], "digest": one["digest"], "policy": one["rule"][0],
            "decision": leaf["class"]["decision"], "comment": values.get("comment"),
        }
        need(all(said[name] == value for name, value in record.items()), "an assertion of another decision")
        need((said["issuer"], said["subject"]) == person(values["decider"]), "an assertion of another person")
        need(leaf["time"] < said["expires"], "an assertion that was made too long before")
        need("grant_until" not in leaf["class"] or leaf["class"]["grant_until"] - leaf["time"] <= said["grantMs"], "a longer grant than was signed")
        need(client["type"] == "webauthn.get" and client.get("crossOrigin") is not True, "an assertion of something else")
        need(from_base64url(client["challenge"]) == sha256(told["text"].encode()), "a challenge that is not what was signed")
        host = re.fullmatch(r"https?://([^/:]+)(:[0-9]+)?", client["origin"])
        need(host and data[:32] == sha256(host.group(1).encode()), "an assertion of another host")
        need(len(data) >= 37 and data[32] & 5 == 5, "an assertion without its person")

    def expired(self, leaf, values, one):
        reason = leaf["class"].get("reason")
        need(leaf["part"] == one["expired"], "an expiry out of turn")
        one["expired"] += 1
        if reason == "grant_over":
            need(one["grant"] is not None, "the end of no grant")
            one["grant"] = None
        else:
            need((reason, one["state"]) in (("unanswered", "pending"), ("unused", "approved")), "an expiry of what does not wait for it")
            one["state"] = "expired"

    def revoked(self, leaf, values, one):
        need(leaf["part"] == 0 and (one["state"] in ("pending", "approved") or one["grant"] is not None), "what is over was taken back")
        one["state"], one["grant"] = "revoked", None

    def requested(self, leaf, own, payload):
        id, classes = leaf["cmd"], leaf["class"]
        need(id not in self.begun and id not in self.left, "a second beginning of a command")
        need(own is None or payload == b"", "a body that was not approved")
        named = classes.get("approval")
        if named is None:
            need(own is None and classes.get("effect") != "needs_approval" and "grant" not in classes, "a command without its approval")
            return
        need(own is None or named == id, "another approval than its own")
        one = self.by_id.get(named)
        need(one is not None, "an approval that nobody asked for")
        need(one["rule"] == (classes.get("policy"), classes.get("rule")), "another policy or rule")
        if "grant" in classes:
            need(classes["grant"] == 1 and own is None and one["grant"] is not None and leaf["time"] < one["grant"], "a grant that does not hold")
        else:
            need(one["state"] == "approved" and leaf["time"] < one["until"], "an approval that cannot be used")
            one["state"] = "used"


def is_of(leaf, command, side):
    """Whether a record can hold a part of that body."""
    if leaf.get("cmd") != command:
        return False
    if leaf["kind"] == "stream.chunk":
        return leaf["class"]["side"] == side
    return leaf["kind"] in (("command.requested", "approval.requested", "command.denied") if side == "request" else ("command.completed", "outcome.late"))


def check_payload(records, command, side, body):
    """Section 5.4: each piece in its place, each span where the page says it is, the whole by its own digest."""
    at, moved, as_it_was, digests = 0, 0, True, None
    for leaf, values in records:
        if leaf.get("cmd") == command and leaf["kind"] == "command.completed" and values.get("digests"):
            digests = parse(values["digests"])
        if leaf.get("cmd") == command and ("req_cut" if side == "request" else "resp_cut") in leaf["class"]:
            as_it_was = False
        if not is_of(leaf, command, side):
            continue
        where = "record %d: " % leaf["seq"]
        payload = payload_of(values)
        need(payload is not None, where + "its payload is withheld")
        size = size_of(payload)
        piece = body[at : at + size]
        if isinstance(payload, tuple):
            need(len(piece) == size and sha256(piece).hex() == payload[0], where + "these are not its bytes")
        else:
            need(piece == payload, where + "these are not its bytes")
        for span in parse(values["spans"]) if values.get("spans") else []:
            if list(span) == ["cut"]:
                break
            start = span["at"] + moved
            need(at <= start and start + span["put"] <= at + size, where + "a span outside of its record")
            # With quotation marks around it where it stands for a number.
            need(b"[masked:" + span["rule"].encode() + b"]" in body[start : start + span["put"]], where + "no masked text where a span is")
            moved += span["put"] - span["length"]
        as_it_was = as_it_was and "spans" not in values and "raw" not in values and "coding" not in leaf["class"]
        at += size
    need(at == len(body), "the records have %d bytes, here are %d" % (at, len(body)))
    told = digests and digests[side]
    if told and told["complete"] and as_it_was and "sha256" in told:
        need(told["sha256"] == sha256(body).hex(), "not the bytes that travelled")
    return at


def read_export(data):
    """Form, chain, commitments, tree and head, and the order of chunks and approvals; of the order of kinds (section 5.2) no more is checked here."""
    need(data.endswith(b"\n"), "line %d: has no end" % (data.count(b"\n") + 1))
    hashes, sid, prev, head = [], None, "0" * 64, None
    records, ends, approvals = [], {}, None
    for number, line in enumerate(data[:-1].split(b"\n"), 1):
        try:
            need(len(line) < 2097152, "too long")
            need(head is None, "after the head")
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                raise Wrong("not UTF-8")
            value = parse(text)
            need(isinstance(value, dict), "not an object")
            if list(value) == ["head"]:
                head = value["head"]
                need(isinstance(head, dict) and list(head) == ["sid", "size", "root", "tip"] and es_json(value) == text, "form of the head")
                need(head["sid"] == sid, "head of another session")
                need(head["size"] == len(hashes), "head counts %r records, here are %d" % (head["size"], len(hashes)))
                need(head["tip"] == prev and head["root"] == tree_hash(hashes).hex(), "head does not agree with the records")
                continue
            need(list(value) == ["leaf", "fields"] and isinstance(value["leaf"], str), "neither a record nor a head")
            root, values = read_fields(value["fields"])
            need(es_json(value) == text, "not in the exact form of an export")
            leaf = read_leaf(value["leaf"])
            need(leaf["sid"] == sid or sid is None, "another session")
            need(leaf["seq"] == len(hashes), "seq %d where %d belongs" % (leaf["seq"], len(hashes)))
            need(leaf["prev"] == prev, "prev")
            need(leaf["root"] == root.hex(), "root does not commit to the fields")
            payload = payload_of(values)
            if leaf["kind"] == "stream.chunk":
                need("cmd" in leaf, "a chunk without a command")
                check_chunk(leaf, payload, ends)
            if not records and leaf["class"].get("protocol") not in ("registry", "perimeter"):
                approvals = Approvals(values)
            elif approvals:
                approvals.take(leaf, values, payload)
            elif records:
                need(not leaf["kind"].startswith("approval."), "an approval outside of a session")
            records.append((leaf, values))
            sid = leaf["sid"]
            hashes.append(leaf_hash(value["leaf"].encode()))
            prev = hashes[-1].hex()
        except Wrong as wrong:
            raise Wrong("line %d (record %d): %s" % (number, len(hashes), wrong))
    need(head is not None, "no head after %d records" % len(hashes))
    return records, head


def read_vectors(vectors):
    for i, one in enumerate(vectors["fields"]):
        fields = parse(one["disclosure"])
        need(read_fields(fields)[0].hex() == one["root"], "fields %d: root" % i)
        need(es_json(fields) == one["disclosure"], "fields %d: text of the disclosure" % i)
    leaves = []
    for i, one in enumerate(vectors["leaves"]):
        read_leaf(one["leaf"])
        leaves.append(leaf_hash(one["leaf"].encode()))
        need(leaves[-1].hex() == one["hash"], "leaf %d: hash" % i)
    need(len(vectors["roots"]) == len(leaves) + 1, "number of roots")
    for size, root in enumerate(vectors["roots"]):
        need(tree_hash(leaves[:size]).hex() == root, "root over %d leaves" % size)
    for one in vectors["inclusion"]:
        path = [bytes.fromhex(node) for node in one["path"]]
        root = inclusion_root(leaves[one["index"]], one["index"], one["size"], path)
        need(root.hex() == vectors["roots"][one["size"]], "inclusion proof of %d in %d" % (one["index"], one["size"]))
    for one in vectors["consistency"]:
        path = [bytes.fromhex(node) for node in one["path"]]
        old = bytes.fromhex(vectors["roots"][one["from"]])
        roots = consistency_roots(one["from"], one["to"], path, old)
        need([r.hex() for r in roots] == [vectors["roots"][one["from"]], vectors["roots"][one["to"]]], "consistency proof from %d to %d" % (one["from"], one["to"]))
    return sum(len(vectors[key]) for key in ("fields", "leaves", "roots", "inclusion", "consistency"))


def named(path, work):
    """What `work` makes of a file; its name in front of what is wrong with it."""
    try:
        return work(pathlib.Path(path).read_bytes())
    except Wrong as wrong:
        raise Wrong("%s: %s" % (pathlib.Path(path).name, wrong))


def read_payload(command, side, path, export):
    records, _ = named(export, read_export)
    size = named(path, lambda body: check_payload(records, command, side, body))
    print("%s: %d bytes are those of the records" % (pathlib.Path(path).name, size))


def main(paths):
    here = pathlib.Path(__file__).resolve().parent
    if paths[:1] == ["--payload"]:
        need(len(paths) == 5 and paths[2] in ("request", "response"), __doc__)
        return read_payload(*paths[1:])
    own = not paths
    if own:
        count = read_vectors(json.loads((here / "vectors.json").read_text("utf-8")))
        print("vectors.json: %d vectors hold" % count)
        paths = [here / "session.ndjson", here / "bodies.ndjson", here / "withheld.ndjson", here / "approvals.ndjson"]
    heads = []
    for path in paths:
        records, head = named(path, read_export)
        heads.append(head)
        withheld = sum(value is None for _, values in records for value in values.values())
        print("%s: %d records hold%s" % (pathlib.Path(path).name, len(records), ", %d fields withheld" % withheld if withheld else ""))
    if own:
        need(heads[1] == heads[2], "what is withheld leads to another head")
        read_payload("01935b6e-8c00-7abc-9000-000000000002", "response", here / "payload.bin", here / "bodies.ndjson")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(1)
