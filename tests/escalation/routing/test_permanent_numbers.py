"""The permanent random numbers of outputs and of their fields."""

from __future__ import annotations

import math

import numpy as np

from escalation.routing import decide


def test_a_permanent_number_never_changes() -> None:
    assert decide.draw_permanent_number(b"secret", "intents", "ticket-1") == decide.draw_permanent_number(
        b"secret", "intents", "ticket-1"
    )
    draws = {
        decide.draw_permanent_number(b"secret", "intents", "ticket-1"),
        decide.draw_permanent_number(b"other", "intents", "ticket-1"),
        decide.draw_permanent_number(b"secret", "invoices", "ticket-1"),
        decide.draw_permanent_number(b"secret", "intents", "ticket-2"),
    }
    assert len(draws) == 4


def test_a_permanent_number_matches_its_golden_value() -> None:
    # HMAC-SHA256(key "secret", "intents|ticket-1"), its first 53 bits over 2^53, computed by openssl.
    assert decide.draw_permanent_number(b"secret", "intents", "ticket-1") == 0.18442238577744263


def test_the_number_of_a_field_is_not_that_of_any_output() -> None:
    numbers = decide.draw_field_numbers(b"secret", "invoices", "a", ["/total", "/paid"])
    assert len(set(numbers.values())) == 2
    assert numbers == decide.draw_field_numbers(b"secret", "invoices", "a", ["/total", "/paid"])
    assert decide.draw_permanent_number(b"secret", "invoices", "a|/total") not in numbers.values()


def test_permanent_numbers_are_uniform() -> None:
    draws = np.sort([decide.draw_permanent_number(b"secret", "intents", f"ticket-{number}") for number in range(5000)])
    assert draws[0] >= 0.0
    assert draws[-1] < 1.0
    # Kolmogorov-Smirnov: sup |F_n - F| stays below 1.95 / sqrt(n) with probability 0.999.
    distance = np.max(np.abs(draws - (np.arange(5000) + 0.5) / 5000))
    assert distance < 1.95 / math.sqrt(5000)
