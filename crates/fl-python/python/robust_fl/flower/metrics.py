"""Metrics of clients, which may be lies, as one record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from flwr.app import MetricRecord, RecordDict


def numbers(content: RecordDict) -> Iterator[tuple[str, float]]:
    """The finite single numbers of a reply, by name."""
    for record in content.values():
        if isinstance(record, MetricRecord):
            for name, value in record.items():
                if isinstance(value, (int, float)) and math.isfinite(value):
                    yield name, float(value)


def medians(records: Iterable[RecordDict], weighted_by_key: str = "num-examples") -> MetricRecord:
    """The median over clients of each number that more than half of them report.

    Of fewer than half that lie, each median is between two values that regular clients report. It takes the place of Flower's
    weighted mean, which one client moves anywhere; ``weighted_by_key`` is left out, and weighs nothing.
    """
    found: dict[str, list[float]] = {}
    count = 0
    for content in records:
        count += 1
        for name, value in dict(numbers(content)).items():
            found.setdefault(name, []).append(value)
    made = {name: float(np.median(values)) for name, values in found.items() if 2 * len(values) > count}
    made.pop(weighted_by_key, None)
    return MetricRecord({name: value for name, value in made.items() if math.isfinite(value)})
