"""The agents of a street: devices, operator, analytics, trading (Mezquita et al. 2022, 4.4)."""
