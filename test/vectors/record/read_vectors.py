#!/usr/bin/env python3
"""Reads record vectors and whole exports, written from docs/record_format.md alone.

    read_vectors.py                    vectors.json and session.ndjson beside this file
    read_vectors.py EXPORT.ndjson ...  exports of sessions

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


def root_of_fields(fields):
    need(isinstance(fields, list) and len(fields) <= 64, "fields are no list of at most 64")
    commitments = []
    before = b""
    for field in fields:
        need(isinstance(field, list) and len(field) == 3 and all(isinstance(x, str) for x in field), "a field is not three strings")
        name, salt_text, value = field
        need(FIELD_NAME.fullmatch(name), "field name " + ascii(name))
        need(re.fullmatch(r"[A-Za-z0-9_-]{43}", salt_text), "salt of " + name)
        salt = base64.urlsafe_b64decode(salt_text + "=")
        need(base64.urlsafe_b64encode(salt).decode().rstrip("=") == salt_text and len(salt) == 32, "salt of " + name)
        try:
            data = value.encode("utf-8")
        except UnicodeEncodeError:
            raise Wrong("lone surrogate in " + name)
        need(name.encode() > before, "fields out of order at " + name)
        before = name.encode()
        commitments.append(leaf_hash(b"sallyport.field.v1" + counted(salt) + counted(name.encode()) + counted(data)))
    return tree_hash(commitments)


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


def read_export(data):
    """Form, chain, commitments, tree and head. The order of kinds (section 5.2) is not checked here."""
    need(data.endswith(b"\n"), "line %d: has no end" % (data.count(b"\n") + 1))
    hashes, sid, prev, head = [], None, "0" * 64, None
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
            root = root_of_fields(value["fields"])
            need(es_json(value) == text, "not in the exact form of an export")
            leaf = read_leaf(value["leaf"])
            need(leaf["sid"] == sid or sid is None, "another session")
            need(leaf["seq"] == len(hashes), "seq %d where %d belongs" % (leaf["seq"], len(hashes)))
            need(leaf["prev"] == prev, "prev")
            need(leaf["root"] == root.hex(), "root does not commit to the fields")
            sid = leaf["sid"]
            hashes.append(leaf_hash(value["leaf"].encode()))
            prev = hashes[-1].hex()
        except Wrong as wrong:
            raise Wrong("line %d (record %d): %s" % (number, len(hashes), wrong))
    need(head is not None, "no head after %d records" % len(hashes))
    return len(hashes)


def read_vectors(vectors):
    for i, one in enumerate(vectors["fields"]):
        fields = parse(one["disclosure"])
        need(root_of_fields(fields).hex() == one["root"], "fields %d: root" % i)
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


def main(paths):
    here = pathlib.Path(__file__).resolve().parent
    if not paths:
        count = read_vectors(json.loads((here / "vectors.json").read_text("utf-8")))
        print("vectors.json: %d vectors hold" % count)
        paths = [here / "session.ndjson"]
    for path in paths:
        try:
            print("%s: %d records hold" % (pathlib.Path(path).name, read_export(pathlib.Path(path).read_bytes())))
        except Wrong as wrong:
            raise Wrong("%s: %s" % (pathlib.Path(path).name, wrong))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(1)
