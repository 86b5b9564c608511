"""What goes over the wire: JSON, names as in the contracts but in snake case.

Energy in Wh, money in 1e-6, prices in money per kWh, times in seconds since the epoch. Bodies are
strict: no unknown members, no text for a number, no number beyond its bounds.
"""
