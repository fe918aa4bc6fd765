"""From labels to a policy: what may go wrong, whether a threshold keeps it, and what another one would have done.

`targets` says what may go wrong, `sample` gives the labels that count, `attempts` looks at them and keeps a ledger of
every look, `counts` and `simulation` let somebody try thresholds, `replay` routes stored outputs again.
"""
