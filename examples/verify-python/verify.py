"""Verifies an Oscillink receipt signed with HMAC-SHA256, with nothing but Python's standard library.

usage: OSCILLINK_SECRET=... python3 verify.py RECEIPT.json [INPUTS.json]

RECEIPT.json is a DSSE envelope or a receipt with the published meta.signature; INPUTS.json the request that was
re-ranked: {"query": [...], "queryText": "...", "candidates": [{"id", "embedding", "text", "title", "score", "trust",
"links"}]}, or "lists": [{"name": "...", "items": [...]}] in place of the candidates.
"""
import base64, hashlib, hmac, json, os, re, struct, sys
from decimal import Decimal

TYPE = b"application/vnd.oscillink.receipt+json"
# How a result was come by, not what it is: neither the digest nor a signature covers these.
UNCOVERED = {"t_ms", "kernel", "vectors", "digest"}
UNCOVERED_META = {"ustar_cached", "ustar_solves", "ustar_cache_hits", "signature"}


def check(what, good):
    print(f"{'good' if good else 'BAD '}  {what}")
    if not good:
        sys.exit(1)


def load(text):
    def once(pairs):
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("an object with a key twice")
        return dict(pairs)
    return json.loads(text, object_pairs_hook=once, parse_constant=lambda name: number(float(name)))


def number(x):
    """A number as JavaScript writes it (RFC 8785, 3.2.2.3): Python finds the same digits, and sets them otherwise."""
    if x - x != 0:
        raise ValueError(f"{x} is no JSON number")
    if x == 0:
        return "0"
    sign, parts, exponent = Decimal(repr(x)).as_tuple()
    digits, point = "".join(map(str, parts)).rstrip("0"), len(parts) + exponent
    if len(digits) <= point <= 21:
        text = digits.ljust(point, "0")
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        text = f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1:+d}"
    return "-" * sign + text


def canonical(value):
    """RFC 8785: keys by their UTF-16 code units, no spaces, every character as it is."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(float(value))
    return json.dumps(value, ensure_ascii=False)


def digest(data):
    return "sha256:" + hashlib.sha256(data if isinstance(data, bytes) else canonical(data).encode()).hexdigest()


def of_vectors(rows):
    width = next((len(row) for row in rows if row is not None), 0)
    packed = [struct.pack(f"<{width}f", *([0] * width if row is None else row)) for row in rows]
    return digest(struct.pack("<II", len(rows), width) + b"".join(packed))


def of_texts(texts):
    # Half of a surrogate pair counts as U+FFFD.
    encoded = [re.sub("[\ud800-\udfff]", "\ufffd", text).encode() for text in texts]
    return digest(struct.pack("<I", len(texts)) + b"".join(struct.pack("<I", len(t)) + t for t in encoded))


def signed_content(signed, secret):
    """What the signature covers, once it has been checked; None for a receipt whose signature covers figures only."""
    def check_mac(what, message, signatures):
        mac = hmac.new(secret, message, hashlib.sha256).digest()
        check(what, any([hmac.compare_digest(mac, signature) for signature in signatures]))

    if "payload" in signed:
        payload = base64.b64decode(signed["payload"], validate=True)
        check("payload type", signed["payloadType"].encode() == TYPE)
        message = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE, len(payload), payload)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in signed["signatures"]]
        check_mac("signature (DSSE envelope, HMAC-SHA256)", message, signatures)
        content = load(payload)
        check("payload is canonical JSON", canonical(content).encode() == payload)
        return content
    block, meta = signed["meta"]["signature"], signed["meta"]
    payload = block["payload"]
    check("algorithm", block["algorithm"] == "HMAC-SHA256")
    message = json.dumps(payload, sort_keys=True).encode()
    check_mac("signature (published form, HMAC-SHA256)", message, [bytes.fromhex(block["signature"])])
    # The figures of the receipt last: a "digest" in its meta must not stand in for its own.
    shown = {**meta, "digest": signed.get("digest"), "deltaH_total": signed.get("deltaH_total")}
    names = payload.keys() & shown.keys()
    check("signed figures are those of the receipt", all(payload[name] == shown[name] for name in names))
    return signed if "digest" in payload else None


def united(lists):
    """The lists' documents, each once, with what the first lacks taken from the others; and the scores of each list."""
    documents = {}
    for item in (item for one in lists for item in one["items"]):
        known = documents.setdefault(item["id"], {})
        known.update((name, value) for name, value in item.items() if known.get(name) is None)
    def scores(items):
        # Where one has no score, their places count.
        ranked = any(item.get("score") is None for item in items)
        own = {item["id"]: -place if ranked else item["score"] for place, item in enumerate(items)}
        return [own.get(name) for name in documents]
    return list(documents.values()), [scores(one["items"]) for one in lists]


def check_inputs(inputs, request, second):
    lists, candidates = request.get("lists"), request.get("candidates")
    found, further, by_score = None, [], request.get("query") is None
    if lists is None:
        scores = [candidate.get("score") for candidate in candidates]
    else:
        candidates, scores_of = united(lists)
        # The list of the search by vectors: its scores are no evidence of their own where there are vectors.
        main = next((l for l, one in enumerate(lists) if one.get("similarity", l == 0)), None)
        scores = None if main is None else scores_of[main]
        if main is not None:
            held = {item["id"] for item in lists[main]["items"]}
            found = [candidate["id"] in held for candidate in candidates]
        further = [{"name": one["name"], "scores": digest(scores_of[l])} for l, one in enumerate(lists) if l != main]
    def column(name, default):
        return [default if candidate.get(name) is None else candidate[name] for candidate in candidates]
    texts, titles, trust, links = column("text", ""), column("title", ""), column("trust", 1), column("links", [])
    expected = {
        "n": len(candidates),
        "ids": digest([candidate.get("id", str(i)) for i, candidate in enumerate(candidates)]),
        "candidates": None if by_score else of_vectors(column("embedding", None)),
        "query": None if by_score else of_vectors([request["query"]]),
        "scores": digest(scores) if by_score else None,
        "found": None if found is None or all(found) else digest(found),
        "lists": further,
        "trust": digest(trust) if any(t != 1 for t in trust) else None,
        "links": digest(links) if any(links) else None,
        "texts": of_texts(texts) if any(texts) else None,
        "titles": of_texts(titles) if any(titles) else None,
        "queryText": of_texts([request["queryText"]]) if request.get("queryText") is not None else None,
    }
    for name, value in expected.items():
        # Receipts of the second schema do not look at lists and links.
        if not (second and name in ("found", "lists", "links")):
            check(f"inputs: {name}", inputs[name] == value)


def main(receipt, inputs=None):
    secret = os.environ.get("OSCILLINK_SECRET", "").encode()
    if not secret:
        sys.exit("OSCILLINK_SECRET is not set: the secret that the receipt was signed with")
    with open(receipt, encoding="utf-8") as file:
        content = signed_content(load(file.read()), secret)
    if content is None:
        return check("no digest was signed: nothing else of this receipt is covered", inputs is None)
    covered = {name: value for name, value in content.items() if name not in UNCOVERED}
    covered["meta"] = {name: value for name, value in covered["meta"].items() if name not in UNCOVERED_META}
    check("schema", content["schema"] in ("oscillink-receipt/2", "oscillink-receipt/3"))
    check(f"content has the digest {content['digest']!a}", digest(covered) == content["digest"])
    if inputs is not None:
        with open(inputs, encoding="utf-8") as file:
            check_inputs(content["inputs"], load(file.read()), content["schema"] == "oscillink-receipt/2")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError, struct.error) as error:
        check(f"{type(error).__name__}: {str(error)!a}", False)
