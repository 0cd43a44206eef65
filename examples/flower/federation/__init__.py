"""The paper's Figure 7 as a federation on Flower."""

import os

# Flower and Ray send statistics and look for updates unless they are told not to; no example of ours does.
for _name, _value in (
    ("FLWR_TELEMETRY_ENABLED", "0"), ("FLWR_DISABLE_UPDATE_CHECK", "1"), ("RAY_USAGE_STATS_ENABLED", "0"),
):
    os.environ.setdefault(_name, _value)
