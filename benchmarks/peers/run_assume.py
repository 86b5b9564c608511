"""Times assume-framework's pay_as_clear on the orders of a file; runs in its own environment."""

import json
import sys
import time
from datetime import datetime, timedelta

import numpy as np
from assume.common.market_objects import MarketConfig, MarketProduct
from assume.markets.clearing_algorithms import PayAsClearRole
from dateutil import rrule


def main(path: str, runs: int) -> None:
    orders = np.load(path)
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - the framework's times are naive
    end = start + timedelta(hours=1)
    hours = rrule.rrule(rrule.HOURLY, dtstart=start, until=start + timedelta(days=1))
    product = MarketProduct(timedelta(hours=1), 1, timedelta(hours=1))
    role = PayAsClearRole(MarketConfig(opening_hours=hours, market_products=[product]))
    seconds, cleared = [], 0.0
    for _ in range(runs):
        book = [
            {
                "start_time": start,
                "end_time": end,
                "only_hours": None,
                "agent_addr": "agent",
                "bid_id": number,
                # demand is negative
                "volume": -quantity if is_buy else quantity,
                "price": price,
            }
            for number, (is_buy, quantity, price) in enumerate(
                zip(
                    orders["is_buy"].tolist(),
                    orders["quantity_wh"].tolist(),
                    orders["limit_price"].tolist(),
                    strict=True,
                )
            )
        ]
        began = time.perf_counter()
        _, _, meta, _ = role.clear(book, [(start, end, None)])
        seconds.append(time.perf_counter() - began)
        cleared = meta[0]["supply_volume"]
    print(json.dumps({"seconds": seconds, "cleared_wh": cleared}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
