"""What contrib/metrics.md says of a metric: its unit, and its names in InfluxDB and Prometheus."""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[1] / "metrics.md"


class Metric:
    def __init__(self, measurement, row):
        self.name, _, _, self.unit, _, self.field, self.family, _ = row
        self.measurement = measurement


def _read():
    metrics, measurement = {}, None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        begins = re.match("Measurement `([^`]*)`", line)
        if begins:
            measurement = begins[1]
        if line.startswith("| `"):
            row = [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            metrics[row[0]] = Metric(measurement, row)
    return metrics


_METRICS = _read()


def metric(path):
    """The metric of a path in the words of `graphite.py`, without what stands for entities."""
    nodes = [node for node in path.split(".") if node.strip("<>") != "*"]
    return _METRICS[".".join(nodes)]
