"""What schemathesis cannot know from the document: the answers, people and dates of the product under test.

It narrows what is generated to values that this stream accepts; it relaxes no check.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st

OUTPUTS = "/api/v1/streams/{stream}/outputs"
ANSWERS = {"enum": ["billing", "refund", "card_arrival"]}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    schemas = raw_schema["components"]["schemas"]
    schemas["PostedOutput"]["properties"]["prediction"] = ANSWERS
    # Without a confidence, the score of the predicted answer counts; keys that are no answers are refused.
    sure = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in ANSWERS["enum"]}
    scores = {"type": "object", "properties": sure, "required": list(sure), "additionalProperties": False}
    schemas["PostedOutput"]["properties"]["scores"] = {"anyOf": [scores, {"type": "null"}]}
    schemas["ClaimRequest"]["properties"]["reviewer"] = {"enum": ["rob"]}
    schemas["VerdictRequest"]["properties"]["error_type"] = {"enum": [""]}
    for branch in schemas["VerdictRequest"]["allOf"][0]["oneOf"]:
        if branch["properties"]["answer"] != {"type": "null"}:
            branch["properties"]["answer"] = ANSWERS
    # The outputs of a batch are judged one by one, each with a result of its own, so a batch takes any.
    (_, batch) = raw_schema["paths"][OUTPUTS]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    batch["items"] = {"anyOf": [batch["items"], {}]}


@schemathesis.hook
def map_query(context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """A report's first day is not after its last, and at most 366 days before it, which a schema cannot say."""
    if not query or not {"since", "until"} <= query.keys():
        return query
    try:
        first, last = sorted(date.fromisoformat(str(query[name])) for name in ("since", "until"))
    except ValueError:
        return query  # it is meant to be refused
    first = max(first, last - timedelta(days=365))
    return {**query, "since": first.isoformat(), "until": last.isoformat()}


# Other years, which RFC 3339 has, are refused with a sentence: see the fields' descriptions.
_moments = st.datetimes(datetime.fromisoformat("1901-01-01"), datetime.fromisoformat("2100-01-01"))
schemathesis.openapi.format("date-time", _moments.map(lambda moment: moment.isoformat(timespec="seconds") + "Z"))
schemathesis.openapi.format("date", st.dates(date(2026, 1, 1), date(2026, 12, 31)).map(str))
