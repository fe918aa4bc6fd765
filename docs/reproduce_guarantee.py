"""Find the thresholds of an evaluation anew: reproduce_guarantee.py EVALUATION.json LABELS.jsonl."""

import json
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
from scipy.stats import binom

ev, *lines = [json.loads(text) for path in sys.argv[1:] for text in Path(path).read_text().splitlines()]
grid, kind, bets, units, seen = np.array(ev["grid"]), ev["groups"], (np.arange(20) + 0.5) / 20, [], set()
for line in sorted(lines, key=lambda line: int(line["number"])):
    other = any(line[name] != ev[name] for name in ("model", "model_version", "schema_number")) or line["shadow"]
    if other or line["confidence"] is None or line["invalid_prediction"] or line["reason"].startswith("rule"):
        continue
    errors, parts, answered = line["part_errors"] or {}, line["parts"], line["settled_at"] or "9999-01-01T00:00:00Z"
    blind = line["blind"] and datetime.fromisoformat(answered) <= datetime.fromisoformat(ev["evaluated_at"])
    name = {"classes": line["prediction"], "segments": (line["segment"] or {}).get(ev["segment_key"], "")}.get(kind, "")
    least = min([line["confidence"], *((line["label_confidences"] or {}).values() if kind == "labels" else [])])
    for group, sure in (line["field_confidences"] or {}).items() if kind == "fields" else [(name, least)]:
        drawn = line["u"] < line["p"] if parts is None else kind == "fields" and group in parts["audited"]
        copy = line["group"] and (line["group"], kind == "fields" and group)
        wrong = {"fields": errors.get(group), "labels": errors or None}.get(kind, line["wrong"])
        if drawn and sure is not None and copy not in seen - {None}:
            seen.add(copy)
            if int(ev["first"]) <= int(line["number"]) < int(ev["end"]):
                units.append((group, sure, wrong if blind else None))
for result in [result for result in ev["results"] if result["threshold"] is not None]:
    mine = [unit for unit in units if kind == "labels" or unit[0] == result["group"]]
    mine, names = mine[: ev["declared_audits"] if result["way"] == "declared" else None], ev["labels"] or [""]
    above = np.array([sure for _, sure, _ in mine]) >= grid[:, None]
    is_wrong = [[w[label] if isinstance(w, dict) else w is not False for _, _, w in mine] for label in names]
    n, each = above.sum(axis=1), np.array(is_wrong).astype(int) @ above.T
    k, m, level, reached = each.max(axis=0), ev["max_error"], 0, None
    wealth = (n - k)[:, None] * np.log1p(bets * m / (1 - m)) + k[:, None] * np.log1p(-bets)
    p = binom.cdf(k, n, m) if result["way"] == "declared" else 1 / np.exp(wealth).mean(axis=1)
    for i, start in enumerate(dict(result["starts"]).get(threshold, 0) for threshold in grid.tolist()):
        level = level + start if ev["carries"] else max(level, start)
        reached, level = (i, level) if p[i] <= level else (reached, 0)
    i = np.flatnonzero(n == n[reached])[0]  # of thresholds that accept the same audits, the strictest
    k = each[names.index(result["group"]) if ev["labels"] else 0]
    print(json.dumps([result["group"], result["way"], grid[i], int(n[i]), int(k[i])]))
