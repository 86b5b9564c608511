"""Times pymarket's huang auction on the orders of a file; runs in its own environment."""

import json
import sys
import time

import numpy as np
import pandas as pd
from pymarket.mechanisms import HuangAuction


def main(path: str, runs: int) -> None:
    orders = np.load(path)
    is_buy = orders["is_buy"]
    count = len(is_buy)
    seconds, cleared = [], 0.0
    for _ in range(runs):
        bids = pd.DataFrame(
            {
                "quantity": orders["quantity_wh"].astype(float),
                "price": orders["limit_price"].astype(float),
                "user": np.arange(count),
                "buying": is_buy,
                "time": 0,
                "divisible": True,
            }
        )
        began = time.perf_counter()
        _, extra = HuangAuction(bids).run()
        seconds.append(time.perf_counter() - began)
        cleared = float(extra["quantity_traded"])
    print(json.dumps({"seconds": seconds, "cleared_wh": cleared}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
